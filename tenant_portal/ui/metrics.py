"""What the live pages measure; labels are few and fixed, never a tenant or a person."""

from prometheus_client import Gauge, Histogram

SOCKETS = Gauge("portal_open_sockets", "Open websockets of this process; a tab has one.", ["audience"])
LIVE_SECONDS = Histogram(
    "portal_live_update_seconds",
    "From PostgreSQL's notification of a tenant's change to the poke of its last open tab, with the wait between two.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5),
)
LISTENING = Gauge("portal_live_listening", "1 while this process hears PostgreSQL's notifications, else 0.")
