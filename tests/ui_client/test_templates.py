"""The Templates page and the dialog of the inbox, as their pages call them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tenant_portal import db
from tenant_portal.models import MessageTemplate
from tenant_portal.models.enums import TemplateKind, TemplateState
from tenant_portal.ui.pages.inbox import InboxState, TemplateSendState
from tenant_portal.ui.pages.templates import TemplatesState
from tests.cast import Cast, Company
from tests.threads import open_thread
from tests.ui_client.browser import sign_in

pytestmark = pytest.mark.database
FORM = {
    "name": "order_ready",
    "language": "en",
    "category": "UTILITY",
    "kind": "quick-reply",
    "body": "Hello {{1}}, it is ready.",
    "sample_1": "Ada",
    "fill_1": "first_name",
    "reply_1": "Thanks",
}


async def approved(company: Company, name: str = "order_ready") -> UUID:
    template = MessageTemplate(
        tenant_id=company.tenant_id,
        name=name,
        language="en",
        category="UTILITY",
        kind=TemplateKind.QUICK_REPLY,
        body=FORM["body"],
        buttons=[["reply", "Thanks", "thanks"]],
        samples={"1": "Ada"},
        fills={"1": "first_name"},
        state=TemplateState.APPROVED,
        content_sid=f"HX{uuid4().hex}",
    )
    async with db.tenant_session(company.tenant_id) as session:
        session.add(template)
    return template.id


async def closed_thread(company: Company, name: str = "Ada Lovelace") -> UUID:
    thread = await open_thread(company, kind="whatsapp", profile_name=name)
    async with db.tenant_session(company.tenant_id) as session:
        older = text("update message set created_at = created_at - :age where conversation_id = :thread")
        await session.execute(older, {"age": timedelta(hours=25), "thread": thread})
    return thread


async def test_the_preview_follows_what_is_written_and_the_form_makes_a_template(cast: Cast) -> None:
    tab = await sign_in(cast.alice)
    await tab.call(TemplatesState.load)
    await tab.call(TemplatesState.begin, True)
    for name, words in FORM.items():
        await tab.call(TemplatesState.write, name, words)
    state = tab.state(TemplatesState)
    assert (state.preview.body, [one.title for one in state.preview.buttons]) == ("Hello Ada, it is ready.", ["Thanks"])
    await tab.call(TemplatesState.create, FORM | {"name": "Order ready"})
    assert (state.error_field, state.is_writing, state.templates) == ("name", True, [])
    await tab.call(TemplatesState.create, FORM)
    assert [(one.name, one.word) for one in state.templates] == [("order_ready", "Being submitted")]
    assert not state.is_writing
    theirs = await (await sign_in(cast.charlie)).call(TemplatesState.load)
    assert theirs.templates == []


async def test_an_agent_sees_templates_and_changes_none(cast: Cast) -> None:
    await approved(cast.acme)
    tab = await sign_in(cast.bob)
    state = await tab.call(TemplatesState.load)
    assert (len(state.templates), state.may_change) == (1, False)
    await tab.call(TemplatesState.delete, state.templates[0].id)
    assert (state.notice, state.templates[0].word) == ("Only owners change message templates.", "Approved")


async def test_a_closed_thread_offers_a_template_filled_in_from_the_lead(cast: Cast) -> None:
    await approved(cast.acme)
    thread = await closed_thread(cast.acme)
    tab = await sign_in(cast.bob)
    inbox = await tab.call(InboxState.load, conversation_id=thread)
    assert (inbox.thread.takes_templates, "24 hours" in inbox.thread.reason) == (True, True)
    state = await tab.call(TemplateSendState.set_open, True)
    assert [one.value for one in state.values] == ["Ada"]
    assert state.preview.body == "Hello Ada, it is ready."
    await tab.call(TemplateSendState.write, "1", "Augusta")
    assert state.preview.body == "Hello Augusta, it is ready."
    await tab.call(TemplateSendState.send, {"value_1": ""})
    assert (state.is_open, state.error) == (True, "Fill in {{1}} first: WhatsApp takes no empty one.")
    await tab.call(TemplateSendState.send, {"value_1": "Augusta"})
    assert not state.is_open
    sent = (await tab.call(InboxState.refresh)).messages[-1]
    assert (sent.body, sent.template, sent.answers) == ("Hello Augusta, it is ready.", "order_ready", ["Thanks"])


async def test_anothers_template_answers_as_a_made_up_one(cast: Cast) -> None:
    theirs = await approved(cast.globex, "their_secret")
    thread = await closed_thread(cast.acme)
    seen = []
    for wanted in (theirs, uuid4()):
        tab = await sign_in(cast.bob)
        await tab.call(InboxState.load, conversation_id=thread)
        state = await tab.call(TemplateSendState.set_open, True)
        assert state.choices == []
        await tab.call(TemplateSendState.choose, str(wanted))
        seen.append(state.dict())
        page = await (await sign_in(cast.alice)).call(TemplatesState.delete, str(wanted))
        seen.append(page.dict())
    assert seen[:2] == seen[2:]


async def test_a_tapped_button_says_so_and_what_it_stands_for(cast: Cast) -> None:
    button = {"text": "Yes, please", "payload": "slot-7", "type": "QUICK_REPLY"}
    thread = await open_thread(cast.acme, kind="whatsapp", body="Yes, please", details={"button": button})
    state = await (await sign_in(cast.bob)).call(InboxState.load, conversation_id=thread)
    assert (state.messages[0].body, state.messages[0].button) == ("Yes, please", "Tapped a button (slot-7)")
    assert state.thread.window_closes_at != ""
