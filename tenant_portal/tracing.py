"""Traces by setting: spans of webhooks, their commits, jobs and calls to Twilio, sent to PORTAL_OTLP_ENDPOINT.

Without the setting nothing of OpenTelemetry is imported here, and a span costs a third of a microsecond. Attributes are
ids, words of ours and numbers: never a body, a phone number, a token or the text of an error.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from tenant_portal.config import settings
from tenant_portal.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

NEEDED = "PORTAL_OTLP_ENDPOINT needs OpenTelemetry: pip install --requirement deploy/requirements-tracing.txt"
PATH = "/v1/traces"


class Span:
    """What is under way; this one is nothing, for when nobody wants traces."""

    def set(self, **attributes: object) -> None:
        """Say more about it; what is no number is written as text, here where somebody wants it."""

    def belongs_to(self, other: "Span") -> None:
        """Link it to work that it shared with others: many webhooks have one commit."""


class Recorded(Span):
    """A span of OpenTelemetry."""

    def __init__(self, span: Any) -> None:
        self.span = span

    def set(self, **attributes: object) -> None:
        self.span.set_attributes(_plain(attributes))

    def belongs_to(self, other: Span) -> None:
        if isinstance(other, Recorded):
            self.span.add_link(other.span.get_span_context())


NOTHING = Span()
_nothing = nullcontext(NOTHING)
_tracer: "Tracer | None" = None
_provider: "TracerProvider | None" = None


def span(name: str, *, alone: bool = False, **attributes: object) -> AbstractContextManager[Span]:
    """A span around the `with` block, below the one it is opened in; `alone` begins a trace of its own."""
    return _nothing if _tracer is None else _recorded(_tracer, name, alone, attributes)


@contextmanager
def _recorded(tracer: "Tracer", name: str, alone: bool, attributes: dict[str, object]) -> Iterator[Span]:
    from opentelemetry.context import Context
    from opentelemetry.trace import StatusCode

    with tracer.start_as_current_span(
        name,
        context=Context() if alone else None,
        attributes=_plain(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as recorded:
        try:
            yield Recorded(recorded)
        except Exception as error:
            # The kind alone: the text of an error may quote what somebody wrote.
            recorded.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def _plain(attributes: dict[str, object]) -> dict[str, str | int | float]:
    return {name: value if isinstance(value, int | float) else str(value) for name, value in attributes.items()}


def start(process: str) -> None:
    """Send the traces of this process, `web` or `worker`, from now on, if the settings say where to."""
    global _tracer, _provider
    endpoint = settings().otlp_endpoint
    if not endpoint or _tracer is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(NEEDED) from None
    # The library itself reads OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and the like from the environment.
    _provider = TracerProvider(resource=Resource.create({"service.name": f"tenant-portal-{process}"}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint + PATH)))
    _tracer = _provider.get_tracer("tenant_portal")


def stop() -> None:
    """Send what is left, for a few seconds at most; blocks meanwhile."""
    global _tracer, _provider
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None
