"""What the front door measures; labels are few and fixed, never a tenant, number or SID."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

WEBHOOKS = Counter("portal_webhooks_total", "Requests to webhooks.", ["kind", "outcome", "tenant_state"])
REFUSALS = Counter("portal_webhook_refusals_total", "Requests that were not let in.", ["reason"])
OVER_SOFT_LINE = Counter("portal_webhooks_over_soft_line_total", "Signed webhooks beyond their client's soft line.")
SECONDS = Histogram(
    "portal_webhook_seconds",
    "From the first byte of a request to its answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH_SIZE = Histogram("portal_commit_batch_rows", "Rows per commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
SPOOL_RECORDS = Gauge("portal_spool_records", "Requests that this process has kept on disk and not settled yet.")
SPOOLED = Counter("portal_spooled_total", "Requests that were kept on disk because the database was away.")
FLUSHED = Counter("portal_spool_flushed_total", "Spooled requests that were settled.")
GAUGES = {
    "portal_spool_bytes": "What waits on disk, also of dead processes that this one took over.",
    "portal_spool_broken_files": "Spool files of this host that do not open: their key is gone.",
    "portal_disk_free_bytes": "Free space where the spool is.",
    "portal_disk_size_bytes": "Size of the disk that the spool is on.",
}


class Counts(dict[tuple[str, ...], Counter]):
    """A counter by the values of its labels, each looked up once: `labels()` costs twice what counting does."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter

    def __missing__(self, values: tuple[str, ...]) -> Counter:
        found = self[values] = self._counter.labels(*values)
        return found


webhooks = Counts(WEBHOOKS)
refusals = Counts(REFUSALS)


class HostGauges(Collector):
    """What is looked up on this host when somebody asks; only of a process whose front door is open.

    `sizes` gives the bytes in its spool and the number of files set aside; `folder` need not be there yet.
    """

    def __init__(self, folder: Path, sizes: Callable[[], tuple[int, int]]) -> None:
        self._folder = folder
        self._sizes = sizes

    def collect(self) -> Iterator[Metric]:
        """Each of GAUGES."""
        place = next(one for one in (self._folder, *self._folder.absolute().parents) if one.exists())
        disk = disk_usage(place)
        values = (*self._sizes(), disk.free, disk.total)
        for (name, meaning), value in zip(GAUGES.items(), values, strict=True):
            yield GaugeMetricFamily(name, meaning, value)


@contextmanager
def told(gauges: Collector) -> Iterator[None]:
    """Part of /metrics as long as this is open."""
    REGISTRY.register(gauges)
    try:
        yield
    finally:
        REGISTRY.unregister(gauges)
