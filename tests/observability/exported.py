"""Every metric that the portal exports, found by importing whatever measures."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from tenant_portal.figures import FIGURES, READ_AT
from tenant_portal.front_door.metrics import GAUGES

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = "portal_"
# What Prometheus and its client for Python add by themselves.
FOREIGN = frozenset(
    {"up", "ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
)  # fmt: skip
EVERYWHERE = frozenset({"instance", "job"})
SUFFIXES = {Counter: ("",), Gauge: ("",), Histogram: ("_bucket", "_sum", "_count")}


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric: the names of its series, and its labels."""

    name: str
    series: tuple[str, ...]
    labels: frozenset[str]


def exported() -> list[Exported]:
    """By name."""
    for path in sorted((ROOT / "tenant_portal").rglob("*.py")):
        if "from prometheus_client import" in path.read_text():
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = [_of(metric) for metric in set(REGISTRY._names_to_collectors.values()) if _is_ours(metric)]  # type: ignore[arg-type]
    found += [Exported(figure.name, (figure.name,), frozenset(figure.labels)) for figure in FIGURES]
    found += [Exported(name, (name,), frozenset()) for name in (READ_AT[0], *GAUGES)]
    return sorted(found, key=lambda one: one.name)


def _is_ours(metric: object) -> bool:
    return isinstance(metric, MetricWrapperBase) and metric._name.startswith(OURS)


def _of(metric: MetricWrapperBase) -> Exported:
    name = f"{metric._name}_total" if isinstance(metric, Counter) else metric._name
    labels = frozenset(metric._labelnames) | ({"le"} if isinstance(metric, Histogram) else set())
    return Exported(name, tuple(name + suffix for suffix in SUFFIXES[type(metric)]), labels)


def labels_of() -> dict[str, frozenset[str]]:
    """Series name -> labels."""
    return {series: one.labels for one in exported() for series in one.series}
