"""Templates as small values for the browser, and a form's fields as a draft."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenant_portal.models.enums import TemplateKind, TemplateState
from tenant_portal.templates import rules
from tenant_portal.templates.queries import TemplateRow
from tenant_portal.templates.rules import Button, Draft
from tenant_portal.ui.components.phone_preview import Preview, preview_of

S = TemplateState
WORDS = {
    S.SUBMITTING: ("Being submitted", "info"),
    S.FAILED: ("Not submitted", "bad"),
    S.DELETING: ("Being deleted", "neutral"),
    S.UNSUBMITTED: ("Not submitted", "neutral"),
    S.PENDING: ("In review", "info"),
    S.APPROVED: ("Approved", "good"),
    S.REJECTED: ("Rejected", "bad"),
    S.PAUSED: ("Paused by WhatsApp", "warn"),
    S.DISABLED: ("Switched off by WhatsApp", "bad"),
    S.GONE: ("Gone at Twilio", "warn"),
}
KINDS = {
    TemplateKind.TEXT: "Text",
    TemplateKind.MEDIA: "Picture or document",
    TemplateKind.QUICK_REPLY: "Answer buttons",
    TemplateKind.CALL_TO_ACTION: "Link and call buttons",
}
REPLY_FIELDS = tuple(f"reply_{n + 1}" for n in range(rules.MOST_REPLIES))


@dataclass(frozen=True)
class TemplateItem:
    """A template in the list."""

    id: str
    name: str
    about: str
    word: str
    tone: str
    reason: str
    can_submit: bool
    preview: Preview = field(default_factory=Preview)


@dataclass(frozen=True)
class VariableItem:
    """A variable of the draft, with the names of its two fields."""

    label: str
    sample_name: str
    fill_name: str
    sample: str
    fill: str


def template_item(row: TemplateRow) -> TemplateItem:
    """A line of the list."""
    word, tone = WORDS[row.state]
    about = [rules.LANGUAGES.get(row.language, row.language), row.category.capitalize(), KINDS[row.kind]]
    return TemplateItem(
        id=str(row.id),
        name=row.name,
        about=" · ".join(part for part in about if part),
        word=word,
        tone=tone,
        reason=row.reason,
        can_submit=row.state in {S.FAILED, S.UNSUBMITTED, S.GONE},
        preview=_preview(row.body, row.samples, row.media_url, row.buttons),
    )


def draft_of(form: Mapping[str, str]) -> Draft:
    """What the form's fields say; not checked yet."""
    kind = TemplateKind(form["kind"]) if form.get("kind") in list(TemplateKind) else TemplateKind.TEXT
    body = form.get("body", "").replace("\r\n", "\n").strip()
    numbers = rules.variables(body)[: rules.MOST_VARIABLES]
    return Draft(
        name=form.get("name", "").strip(),
        language=form.get("language", "en"),
        category=form.get("category", "UTILITY"),
        kind=kind,
        body=body,
        media_url=form.get("media_url", "").strip() if kind is TemplateKind.MEDIA else "",
        buttons=tuple(_buttons(kind, form)),
        samples={number: form.get(f"sample_{number}", "").strip() for number in numbers},
        fills={number: form.get(f"fill_{number}", "") for number in numbers},
    )


def draft_preview(draft: Draft) -> Preview:
    """The draft with its examples, as a phone shows it."""
    return _preview(draft.body, draft.samples, draft.media_url, draft.buttons)


def variable_items(draft: Draft) -> list[VariableItem]:
    """The variables that the draft's text has now."""
    return [
        VariableItem(f"{{{{{n}}}}}", f"sample_{n}", f"fill_{n}", draft.samples[n], draft.fills[n])
        for n in draft.samples
    ]


def _preview(body: str, samples: Mapping[str, str], media_url: str, buttons: tuple[Button, ...]) -> Preview:
    return preview_of(rules.filled(body, samples), media_url, [(one.action, one.title) for one in buttons])


def _buttons(kind: TemplateKind, form: Mapping[str, str]) -> list[Button]:
    if kind is TemplateKind.QUICK_REPLY:
        titles = [form.get(name, "").strip() for name in REPLY_FIELDS]
        return [Button("reply", title, title) for title in titles if title]
    if kind is not TemplateKind.CALL_TO_ACTION:
        return []
    pairs = [(action, form.get(f"{action}_title", "").strip(), form.get(f"{action}_value", "").strip())
             for action in ("url", "phone")]  # fmt: skip
    return [Button(*one) for one in pairs if one[1] or one[2]]
