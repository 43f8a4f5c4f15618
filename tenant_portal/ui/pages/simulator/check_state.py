"""What the two-tenant check's page shows and does."""

import reflex as rx

from tenant_portal.errors import PortalError
from tenant_portal.simulator.two_tenant_check.office import office
from tenant_portal.simulator.two_tenant_check.probe import Group
from tenant_portal.ui import surface
from tenant_portal.ui.pages.simulator.check_lines import (
    NOTES,
    GroupLine,
    ProbeLine,
    Report,
    bad_lines,
    duration,
    explanation,
    group_lines,
    headline,
    lines_of,
)
from tenant_portal.ui.session_state import staff

PAGE_SIZE, MOST_LINES = 20, 1000
NOT_RUN = [GroupLine(group.value, NOTES[group]) for group in Group]


class CheckState(rx.State):
    """The check under way or the latest one; `chosen` names the group whose probes are listed."""

    is_loaded: bool = False
    is_running: bool = False
    total: int = 0
    done: int = 0
    percent: int = 0
    doing: str = ""
    elapsed: str = ""
    at: str = ""
    headline: str = ""
    explanation: str = ""
    is_tight: bool = False
    groups: list[GroupLine] = NOT_RUN
    bad: list[ProbeLine] = []
    chosen: str = ""
    lines: list[ProbeLine] = []
    more: int = 0
    notice: str = ""
    _shown: int = PAGE_SIZE

    @rx.event
    async def load(self) -> None:
        """The page was opened."""
        await staff(self)
        self.notice, self.chosen, self._shown = "", "", PAGE_SIZE
        _show(self)

    @rx.event
    async def refresh(self) -> None:
        """Look again; the page asks more often while a check is under way."""
        await staff(self)
        _show(self)

    @rx.event
    async def start(self) -> None:
        """Begin a check."""
        await staff(self)
        self.notice = ""
        try:
            office.start(surface.collect())
        except PortalError as error:
            self.notice = error.message
        _show(self)

    @rx.event
    async def stop(self) -> None:
        """Give the check up."""
        await staff(self)
        office.stop()
        self.notice = "The check is being stopped; its two clients are taken away first."
        _show(self)

    @rx.event
    async def choose(self, name: str) -> None:
        """List the probes of a group, or close the list."""
        await staff(self)
        self.chosen, self._shown = "" if name == self.chosen else name[:40], PAGE_SIZE
        _show(self)

    @rx.event
    async def show_more(self) -> None:
        """All probes of the group."""
        await staff(self)
        self._shown = MOST_LINES
        _show(self)

    @rx.event
    async def close_notice(self) -> None:
        """The notice has been read."""
        await staff(self)
        self.notice = ""


def _show(state: CheckState) -> None:
    """Copy what the page needs of the check under way, or of the latest one that was kept."""
    found = office.latest()
    _set(state, is_loaded=True, is_running=office.is_running)
    if found is not None:
        _show_progress(state, found)
        _show_findings(state, found)


def _show_progress(state: CheckState, found: Report) -> None:
    done = len(found["probes"])
    # Reports of earlier versions do not know how many probes there were to be.
    total = found.get("total", done)
    _set(
        state,
        done=done,
        total=total,
        percent=round(100 * done / total) if total else 0,
        doing=found.get("doing", ""),
        elapsed=duration(found),
        at=found["started_at"],
    )


def _show_findings(state: CheckState, found: Report) -> None:
    lines = lines_of(found, state.chosen) if state.chosen else []
    _set(
        state,
        headline=headline(found),
        explanation=explanation(found),
        is_tight=bool(found["tight"]),
        groups=group_lines(found, is_running=state.is_running),
        bad=bad_lines(found)[:PAGE_SIZE],
        lines=lines[: state._shown],
        more=max(len(lines) - state._shown, 0),
    )


def _set(state: CheckState, **values: object) -> None:
    """Only what has changed goes to the browser."""
    for name, value in values.items():
        if getattr(state, name) != value:
            setattr(state, name, value)
