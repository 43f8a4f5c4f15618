"""Staff decide on requests that could not be given to a client."""

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tenant_portal import db
from tenant_portal.crypto import Place, seal
from tenant_portal.errors import NotAllowed
from tenant_portal.models import QuarantinedRequest
from tenant_portal.ui.pages.quarantine import HeldRequestsState
from tests.cast import Cast
from tests.ui_client.browser import Tab, sign_in

BODY = b"Body=CANARY"


async def hold(cast: Cast, reason: str = "unknown-number") -> UUID:
    row = QuarantinedRequest(
        reason=reason, kind="sms", account_sid=cast.acme.account_sid, is_signed=True, path="/api/webhooks/sms",
        request_sealed=b"", size_bytes=len(BODY), fingerprint=uuid4().bytes, parameter_names="Body",
    )  # fmt: skip
    row.request_sealed = seal(BODY, Place("quarantined_request", "request_sealed", None, str(row.id)))
    async with db.front_door_session() as session:
        session.add(row)
    return row.id


async def opened(cast: Cast) -> Tab:
    tab = await sign_in(cast.sam)
    await tab.call(HeldRequestsState.load)
    return tab


async def test_a_held_request_says_why_and_whose_but_not_what(cast: Cast) -> None:
    await hold(cast)
    [line] = (await opened(cast)).state(HeldRequestsState).rows
    assert (line.reason, line.whose, line.is_signed, line.size) == ("Unknown number", "Acme", True, "0.1 kB")
    assert "CANARY" not in repr(line)


async def test_an_unknown_reason_is_shown_as_it_is(cast: Cast) -> None:
    await hold(cast, reason="brand-new-reason")
    assert (await opened(cast)).state(HeldRequestsState).rows[0].reason == "Brand new reason"


async def test_discarding_asks_first_and_erases_the_content(cast: Cast) -> None:
    request_id = await hold(cast)
    tab = await opened(cast)
    await tab.call(HeldRequestsState.ask_discard, str(request_id))
    state = await tab.call(HeldRequestsState.discard)
    assert (state.rows, state.tone) == ([], "good")
    async with db.front_door_session() as session:
        assert await session.scalar(sa.text("select length(request_sealed) from quarantined_request")) == 0


async def test_settled_requests_name_who_settled_them(cast: Cast) -> None:
    request_id = await hold(cast)
    tab = await opened(cast)
    await tab.call(HeldRequestsState.ask_discard, str(request_id))
    await tab.call(HeldRequestsState.discard)
    [line] = (await tab.call(HeldRequestsState.show_settled, True)).rows
    assert (line.state, line.settled_by) == ("discarded", "Sam Smith")


async def test_keeping_closes_the_question(cast: Cast) -> None:
    await hold(cast)
    tab = await opened(cast)
    await tab.call(HeldRequestsState.ask_discard, tab.state(HeldRequestsState).rows[0].id)
    await tab.call(HeldRequestsState.keep, False)
    assert (await tab.call(HeldRequestsState.discard)).tone == "bad"
    assert len(tab.state(HeldRequestsState).rows) == 1


async def test_a_request_that_is_not_there_cannot_be_decided(cast: Cast) -> None:
    tab = await opened(cast)
    for request_id in ("", "no id", str(uuid4())):
        assert (await tab.call(HeldRequestsState.replay, request_id)).tone == "bad"


async def test_older_requests_are_shown_on_demand(cast: Cast) -> None:
    for _ in range(3):
        await hold(cast)
    tab = await opened(cast)
    tab.state(HeldRequestsState)._shown = 2
    assert (await tab.call(HeldRequestsState.replay, "")).has_more
    assert len((await tab.call(HeldRequestsState.load_more)).rows) == 3


async def test_clients_and_strangers_see_no_quarantine(cast: Cast) -> None:
    request_id = await hold(cast)
    for who in (cast.alice, None):
        tab = await sign_in(who)
        for handler in ("load", "replay", "discard", "load_more"):
            arguments = (str(request_id),) if handler == "replay" else ()
            with pytest.raises(NotAllowed):
                await tab.call(getattr(HeldRequestsState, handler), *arguments)
        assert tab.state(HeldRequestsState).rows == []
