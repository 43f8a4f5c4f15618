"""The cross-signing matrix: every address that Twilio calls, with every signature that is not its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from secrets import token_hex
from urllib.parse import quote

from tenant_portal.simulator.two_tenant_check import canaries, forms
from tenant_portal.simulator.two_tenant_check.actors import Actor
from tenant_portal.simulator.two_tenant_check.context import Context
from tenant_portal.simulator.two_tenant_check.probe import Group, Probe, family, leak_if
from tenant_portal.simulator.two_tenant_check.visitor import Answer, Form, Visitor

OK = 200, 204


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: as if for `victim`, by somebody who holds what `thief` holds."""

    path: str
    form: Form
    signature: str | None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """All a forgery needs: whose traffic it wants to get into, and what it has for that."""

    template: str
    victim: Actor
    thief: Actor
    parent_token: str
    visitor: Visitor
    marker: str

    @property
    def path(self) -> str:
        """The victim's address."""
        return f"{forms.path_of(self.template, self.victim)}?account={self.victim.account_sid}"

    @property
    def form(self) -> Form:
        """What the victim's own Twilio would send."""
        return forms.form_of(self.template, self.victim, self.marker)

    def signed(self, path: str, form: Form, token: str) -> Request:
        """A request with a signature of this token that fits."""
        return Request(path, form, self.visitor.signature(path, form, token))


@dataclass(frozen=True, slots=True)
class Forgery:
    """One way to forge, and the answers that are right for it."""

    name: str
    title: str
    make: Callable[[Situation], Request]
    answers: tuple[int, ...] = (403,)


def _unsigned(s: Situation) -> Request:
    return Request(s.path, s.form, None)


def _empty_signature(s: Situation) -> Request:
    return Request(s.path, s.form, "")


def _noise(s: Situation) -> Request:
    return Request(s.path, s.form, "bm90IGEgc2lnbmF0dXJlIGF0IGFsbA==")


def _others_token(s: Situation) -> Request:
    return s.signed(s.path, s.form, s.thief.auth_token)


def _parent_token(s: Situation) -> Request:
    return s.signed(s.path, s.form, s.parent_token)


def _old_token(s: Situation) -> Request:
    return s.signed(s.path, s.form, s.victim.old_token)


def _tampered(s: Situation) -> Request:
    changed = tuple(
        (name, f"{value}1" if name in ("Body", "CallSid", "MessageStatus") else value) for name, value in s.form
    )
    return replace(s.signed(s.path, s.form, s.victim.auth_token), form=changed)


def _parameter_added(s: Situation) -> Request:
    return replace(
        s.signed(s.path, s.form, s.victim.auth_token), form=(*s.form, ("MediaUrl0", "https://example.com/x"))
    )


def _for_another_address(s: Situation) -> Request:
    signed = s.signed(f"/api/webhooks/elsewhere?account={s.victim.account_sid}", s.form, s.victim.auth_token)
    return replace(signed, path=s.path)


def _own_url_others_body(s: Situation) -> Request:
    return s.signed(s.path.replace(s.victim.account_sid, s.thief.account_sid), s.form, s.thief.auth_token)


def _others_url_own_body(s: Situation) -> Request:
    return s.signed(s.path, forms.form_of(s.template, s.thief, s.marker), s.thief.auth_token)


def _both_accounts_in_url(s: Situation) -> Request:
    path = f"{s.path}&account={s.thief.account_sid}"
    return s.signed(path, s.form, s.thief.auth_token)


def _both_accounts_in_body(s: Situation) -> Request:
    form = (*s.form, ("AccountSid", s.thief.account_sid))
    return s.signed(s.path, form, s.thief.auth_token)


def _no_account_in_url(s: Situation) -> Request:
    return s.signed(s.path.partition("?")[0], s.form, s.victim.auth_token)


def _account_spelled_otherwise(s: Situation) -> Request:
    changed = s.victim.account_sid.upper()
    form = tuple((name, changed if name == "AccountSid" else value) for name, value in s.form)
    return s.signed(s.path.replace(s.victim.account_sid, changed), form, s.thief.auth_token)


def _shared_key(s: Situation) -> Request:
    header = (("x-twilio-webhooks-signature-settings", "key=WK1,algorithm=HMAC_SHA256"),)
    return replace(s.signed(s.path, s.form, s.victim.auth_token), headers=header)


def _other_host(s: Situation) -> Request:
    elsewhere = Visitor("http://127.0.0.1", "https://portal.attacker.example")
    header = (("host", "portal.attacker.example"), ("x-forwarded-host", "portal.attacker.example"))
    return Request(s.path, s.form, elsewhere.signature(s.path, s.form, s.victim.auth_token), header)


def _unknown_account(s: Situation) -> Request:
    stranger = replace(s.thief, account_sid=forms.stranger())
    path = s.path.replace(s.victim.account_sid, stranger.account_sid)
    return s.signed(path, forms.form_of(s.template, stranger, s.marker), s.thief.auth_token)


def _others_number(s: Situation) -> Request:
    form = tuple((name, value.replace(s.thief.number, s.victim.number)) for name, value in _own_form(s))
    return s.signed(_own_path(s), form, s.thief.auth_token)


def _others_ids(s: Situation) -> Request:
    """The thief's own account, rightly signed, but the victim's message, call and recording."""
    theirs = {"CallSid": s.victim.call[1], "MessageSid": s.victim.sent[1], "SmsSid": s.victim.sent[1]}
    form = tuple(
        (name, theirs[name] if name in theirs and s.template not in NEW_THINGS else value)
        for name, value in _own_form(s)
    )
    path = f"{forms.path_of(s.template, s.victim)}?account={s.thief.account_sid}"
    return s.signed(path, form, s.thief.auth_token)


def _own_path(s: Situation) -> str:
    return f"{forms.path_of(s.template, s.thief)}?account={s.thief.account_sid}"


def _own_form(s: Situation) -> Form:
    return forms.form_of(s.template, s.thief, s.marker)


# What these bring is new and the sender's own, whatever ids it carries: nothing of the victim's is named in it.
NEW_THINGS = frozenset(
    f"{forms.PREFIX}/{kind}{more}" for kind in ("sms", "whatsapp", "voicemail") for more in ("", "/fallback")
) | {f"{forms.PREFIX}/voicemail/greeting"}
FORGERIES = (
    Forgery("unsigned", "without a signature", _unsigned),
    Forgery("empty-signature", "with an empty signature", _empty_signature),
    Forgery("noise", "with a made-up signature", _noise),
    Forgery("others-token", "signed with the other client's token", _others_token),
    Forgery("parent-token", "signed with the agency's own token", _parent_token),
    Forgery("old-token", "signed with the token from before the rotation", _old_token),
    Forgery("tampered", "changed after it was signed", _tampered),
    Forgery("parameter-added", "with a parameter added after it was signed", _parameter_added),
    Forgery("other-address", "with the signature of another address", _for_another_address),
    Forgery("own-url-others-body", "one's own URL with the other client's body", _own_url_others_body),
    Forgery("others-url-own-body", "the other client's URL with one's own body", _others_url_own_body),
    Forgery("two-accounts-in-url", "with both accounts in the URL", _both_accounts_in_url),
    Forgery("two-accounts-in-body", "with both accounts in the body", _both_accounts_in_body),
    Forgery("no-account-in-url", "without an account in the URL", _no_account_in_url),
    Forgery("account-respelled", "with the account in capital letters", _account_spelled_otherwise),
    Forgery("shared-key", "that says it is signed with another secret", _shared_key),
    Forgery("other-host", "signed for another host, with Host and X-Forwarded-Host to match", _other_host),
    Forgery("unknown-account", "of an account nobody has", _unknown_account, (404,)),
)


@family(Group.WEBHOOKS)
def forged_requests(context: Context) -> Iterator[Probe]:
    """Each forgery at each address, in both directions."""
    for address in context.surface.webhooks:
        for forgery in FORGERIES:
            run = partial(_forged, address.path, forgery)
            title = f"{address.path}: a request {forgery.title} is refused"
            yield Probe(f"webhook.{forgery.name}.{_short(address.path)}", title, Group.WEBHOOKS, run)


async def _forged(template: str, forgery: Forgery, context: Context) -> str:
    answers = []
    for victim in (context.a, context.b):
        situation = _situation(context, template, victim)
        answers.append(await _nothing_stored(context, situation, forgery.make(situation), forgery.answers))
    return f"answered {answers[0]} to {context.b.letter} and {answers[1]} to {context.a.letter}; nothing was stored"


@family(Group.WEBHOOKS)
def others_things(context: Context) -> Iterator[Probe]:
    """Rightly signed for one's own account, but about the other client's number, message, call."""
    for address in context.surface.webhooks:
        short = _short(address.path)
        if address.path in NEW_THINGS:
            title = f"{address.path}: the other client's number under one's own account reaches nobody"
            yield Probe(
                f"webhook.others-number.{short}", title, Group.WEBHOOKS, partial(_names, address.path, _others_number)
            )
        else:
            title = f"{address.path}: the other client's ids under one's own account change nothing"
            yield Probe(
                f"webhook.others-ids.{short}", title, Group.WEBHOOKS, partial(_names, address.path, _others_ids)
            )


async def _names(template: str, make: Callable[[Situation], Request], context: Context) -> str:
    answers = []
    for victim in (context.a, context.b):
        situation = _situation(context, template, victim)
        answers.append(await _nothing_stored(context, situation, make(situation), (200, 204, 403, 404)))
    return f"answered {answers[0]} and {answers[1]}; nothing was stored with either client"


def _situation(context: Context, template: str, victim: Actor) -> Situation:
    thief = context.stage.other(victim)
    return Situation(template, victim, thief, context.stage.parent_token, context.visitor, f"forged{token_hex(6)}")


async def _nothing_stored(context: Context, situation: Situation, request: Request, right: tuple[int, ...]) -> int:
    actors = (context.a, context.b)
    before = [await canaries.fingerprint(actor.tenant_id) for actor in actors]
    answer = await _send(situation.visitor, request)
    for actor, was in zip(actors, before, strict=True):
        leak_if(await canaries.holds(actor.tenant_id, situation.marker), f"it was stored with client {actor.letter}")
        changed = await canaries.fingerprint(actor.tenant_id) != was
        leak_if(changed, f"it was answered {answer.status} and changed rows of client {actor.letter}")
    leak_if(answer.status not in right, f"answered {answer.status} instead of {' or '.join(map(str, right))}")
    return answer.status


async def _send(visitor: Visitor, request: Request) -> Answer:
    return await visitor.call(request.path, request.form, request.signature, **dict(request.headers))


@family(Group.WEBHOOKS)
def own_requests(context: Context) -> Iterator[Probe]:
    """What is right is taken, once: without this, refusals prove nothing."""
    for address in context.surface.webhooks:
        title = f"{address.path}: a client's own request is taken, and a repeat of it changes nothing"
        yield Probe(f"webhook.replay.{_short(address.path)}", title, Group.WEBHOOKS, partial(_replayed, address.path))


async def _replayed(template: str, context: Context) -> str:
    if template not in forms.FORMS:
        raise RuntimeError("nobody has described what Twilio sends here: add it to forms.FORMS")
    situation = _situation(context, template, context.a)
    request = situation.signed(situation.path, situation.form, situation.victim.auth_token)
    other = await canaries.fingerprint(context.b.tenant_id)
    first = await _send(context.visitor, request)
    if first.status not in OK:
        raise RuntimeError(f"client A's own request was answered {first.status}: the refusals prove nothing")
    after = await canaries.fingerprint(context.a.tenant_id)
    again = await _send(context.visitor, request)
    leak_if(await canaries.fingerprint(context.a.tenant_id) != after, "the repeat was stored a second time")
    leak_if(await canaries.fingerprint(context.b.tenant_id) != other, "it changed rows of client B")
    return f"answered {first.status}, the repeat {again.status}; one copy with client A, none with client B"


def _short(path: str) -> str:
    return quote(path.removeprefix(f"{forms.PREFIX}/").replace("/{message_id}", "").replace("/", "-"))
