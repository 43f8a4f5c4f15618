"""What the front door measures; labels are few and fixed, never a tenant, number or SID."""

from prometheus_client import Counter, Gauge, Histogram

WEBHOOKS = Counter("portal_webhooks_total", "Requests to webhooks.", ["kind", "outcome"])
REFUSALS = Counter("portal_webhook_refusals_total", "Requests that were not let in.", ["reason"])
OVER_SOFT_LINE = Counter("portal_webhooks_over_soft_line_total", "Signed webhooks beyond their client's soft line.")
SECONDS = Histogram(
    "portal_webhook_seconds",
    "From the first byte of a request to its answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH_SIZE = Histogram("portal_commit_batch_rows", "Rows per commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
SPOOL_RECORDS = Gauge("portal_spool_records", "Requests that wait on this process's disk.")
SPOOLED = Counter("portal_spooled_total", "Requests that were kept on disk because the database was away.")
FLUSHED = Counter("portal_spool_flushed_total", "Spooled requests that were settled.")
