"""What every probe is given."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tenant_portal.simulator.two_tenant_check.actors import Actor, Stage
from tenant_portal.simulator.two_tenant_check.surface import Surface
from tenant_portal.simulator.two_tenant_check.visitor import Visitor


@dataclass(slots=True)
class Context:
    """The stage, the portal's surface, and a way to speak to it.

    `received` collects everything that client B's browsers were sent; `read_logs` gives the portal's log so far, or
    None where this installation keeps it elsewhere.
    """

    stage: Stage
    surface: Surface
    visitor: Visitor
    is_live: bool
    read_logs: Callable[[], str | None] = lambda: None
    received: list[str] = field(default_factory=list)

    @property
    def a(self) -> Actor:
        """Client A, whose things are looked for."""
        return self.stage.a

    @property
    def b(self) -> Actor:
        """Client B, who looks for them."""
        return self.stage.b

    def foreign_traces(self, text: str) -> list[str]:
        """What of client A stands in this text, shortened, so that the report itself shows no secret."""
        return [f"{trace[:12]}…" for trace in self.a.traces if trace in text]
