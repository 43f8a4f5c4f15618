"""What calls to Twilio cost and how they end: by operation, never by account or number."""

from prometheus_client import Counter, Histogram

CALLS = Counter(
    "portal_twilio_calls_total",
    "Requests to Twilio, each repeat by itself; `code` is Twilio's error code.",
    ["operation", "outcome", "code"],
)
SECONDS = Histogram(
    "portal_twilio_seconds",
    "From a request to Twilio to the end of its answer.",
    ["operation"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60),
)
