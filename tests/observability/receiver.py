"""An OTLP/HTTP receiver on loopback: takes protobuf over real HTTP and keeps the spans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CONTENT_TYPE = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Received:
    """One span as it came over the wire."""

    service: str
    name: str
    attributes: dict[str, Any]
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    linked_ids: tuple[bytes, ...]
    status: str


@dataclass
class Receiver:
    """A running receiver: its address, its spans, and every byte it was sent."""

    endpoint: str = ""
    spans: list[Received] = field(default_factory=list)
    wire: bytearray = field(default_factory=bytearray)

    def named(self, name: str) -> list[Received]:
        """The spans of one name."""
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        """Read one export."""
        self.wire += body
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {pair.key: pair.value.string_value for pair in group.resource.attributes}["service.name"]
            self.spans += [_received(service, span) for scope in group.scope_spans for span in scope.spans]


def _received(service: str, span: Any) -> Received:
    attributes = {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}
    assert not span.events
    linked = tuple(link.span_id for link in span.links)
    return Received(
        service, span.name, attributes, span.trace_id, span.span_id, span.parent_span_id, linked, span.status.message
    )


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", CONTENT_TYPE)
            receiver.take(decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
