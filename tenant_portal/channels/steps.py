"""The steps of a channel at Twilio. Each looks before it changes anything, so that a repeat never does it twice."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from tenant_portal.channels import rules
from tenant_portal.channels.progress import Outcome, Task
from tenant_portal.errors import PortalError
from tenant_portal.models.base import now
from tenant_portal.models.enums import ChannelKind, ChannelState
from tenant_portal.twilio_gateway.errors import TwilioRefused
from tenant_portal.twilio_gateway.gateway import (
    NumberPurchase,
    NumberUrls,
    OwnedNumber,
    SenderRegistration,
    SenderStatus,
    SenderUrls,
    TenantGateway,
    WhatsAppSender,
)

SENDER_WATCH_SECONDS = 900.0
NUMBER_WATCH_SECONDS = 6 * 3600.0
WRONG_CODE = "WhatsApp did not accept this code. Please check it, or ask for a new one."
CHANGED = "The addresses set at Twilio are not the portal's any more, so nothing arrives. Set the channel up again."
OVERRIDDEN = (
    "At Twilio an application or trunk ({}) is set on this number, which makes Twilio ignore the portal's addresses."
    " Please ask your agency to remove it."
)

Step = Callable[[Task, TenantGateway], Awaitable[Outcome]]


class ChannelProblem(PortalError):
    """Twilio did what was asked, but the channel cannot work this way."""


async def carry_out(task: Task, gateway: TenantGateway) -> Outcome:
    """Do the one step the channel's state asks for."""
    return await STEPS[task.state](task, gateway)


async def buy(task: Task, gateway: TenantGateway) -> Outcome:
    """Buy the number, unless this subaccount owns it already: an earlier purchase may have lost its answer."""
    number = await gateway.find_number(task.phone_number)
    if number is None:
        urls = wanted_urls(task, NumberUrls())
        number = await gateway.buy_number(NumberPurchase(phone_number=task.phone_number, urls=urls))
    _refuse_unfit(task.facts.kind, number)
    return _onward(task, number_sid=number.sid)


async def register(task: Task, gateway: TenantGateway) -> Outcome:
    """Register the number with WhatsApp, unless it is registered already."""
    senders = await gateway.list_senders()
    sender = next((one for one in senders if one.phone_number == task.phone_number), None)
    if sender is None:
        sender = await gateway.create_sender(_registration(task))
    return _onward(task, sender_sid=sender.sid, sender_status=sender.status.value)


async def verify(task: Task, gateway: TenantGateway) -> Outcome:
    """See how far WhatsApp is; hand in the code, typed in or arrived as a text message."""
    sender = await gateway.fetch_sender(_known(task.facts.sender_sid))
    code = task.config.get("verification_code") or _fresh_code(task)
    if sender.status is SenderStatus.PENDING_VERIFICATION and code:
        return await _hand_in(task, gateway, str(code))
    return _seen(task, sender)


async def _hand_in(task: Task, gateway: TenantGateway, code: str) -> Outcome:
    done = {"verification_code": None, "used_code": code}
    try:
        sender = await gateway.verify_sender(_known(task.facts.sender_sid), code)
    except TwilioRefused:
        return Outcome(again_in=30.0, config=done, problem=WRONG_CODE)
    return Outcome(again_in=1.0, changes={"sender_status": sender.status.value}, config=done)


def _fresh_code(task: Task) -> str | None:
    # A code that was refused once must not be handed in for ever.
    return task.arrived_code if task.arrived_code != task.config.get("used_code") else None


def _seen(task: Task, sender: WhatsAppSender) -> Outcome:
    if sender.status is SenderStatus.OFFLINE:
        raise ChannelProblem(_offline(sender))
    if sender.status.value in rules.ONLINE:
        return _onward(task, sender_status=sender.status.value)
    return Outcome(
        again_in=rules.poll_seconds(task.attempts), changes={"sender_status": sender.status.value}, progressed=False
    )


async def configure(task: Task, gateway: TenantGateway) -> Outcome:
    """Set the portal's addresses at Twilio where they are not set, then look whether Twilio will use them."""
    if task.facts.kind is ChannelKind.WHATSAPP:
        sender = await gateway.fetch_sender(_known(task.facts.sender_sid))
        if sender.status is SenderStatus.OFFLINE:
            raise ChannelProblem(_offline(sender))
        urls = sender_urls(task)
        if not _same_sender_urls(sender.urls, urls):
            sender = await gateway.update_sender(sender.sid, urls)
        return _active(sender_status=sender.status.value)
    number = await _set_number_urls(task, gateway)
    if number.overridden_by:
        raise ChannelProblem(OVERRIDDEN.format(", ".join(number.overridden_by)))
    return _active()


async def watch(task: Task, gateway: TenantGateway) -> Outcome:
    """See whether an active channel is still set up at Twilio as the portal left it."""
    if task.facts.kind is ChannelKind.WHATSAPP:
        sender = await gateway.fetch_sender(_known(task.facts.sender_sid))
        if sender.status is SenderStatus.OFFLINE:
            raise ChannelProblem(_offline(sender))
        fits = _same_sender_urls(sender.urls, sender_urls(task))
        return _watched(fits, SENDER_WATCH_SECONDS, sender_status=sender.status.value)
    number = await gateway.fetch_number(_known(task.facts.number_sid))
    fits = not number.overridden_by and number.urls == wanted_urls(task, number.urls)
    return _watched(fits, NUMBER_WATCH_SECONDS)


async def take_down(task: Task, gateway: TenantGateway) -> Outcome:
    """Remove the sender, clear this channel's addresses; give the number back if that was asked and nothing uses it."""
    # Somebody may have connected the same number to WhatsApp again meanwhile.
    if task.facts.sender_sid and task.facts.kind not in task.kinds:
        await gateway.delete_sender(task.facts.sender_sid)
    number = await gateway.find_number(task.phone_number)
    if number is not None and not task.kinds and task.config.get("release_number"):
        await gateway.release_number(number.sid)
    elif number is not None:
        urls = wanted_urls(task, number.urls)
        if urls != number.urls:
            await gateway.update_number(number.sid, urls)
    return Outcome(again_in=None, changes={"disconnected_at": now()})


STEPS: dict[ChannelState, Step] = {
    ChannelState.BUYING: buy,
    ChannelState.REGISTERING: register,
    ChannelState.VERIFYING: verify,
    ChannelState.CONFIGURING: configure,
    ChannelState.ACTIVE: watch,
    ChannelState.FAILED: watch,
    ChannelState.DISCONNECTED: take_down,
}


def wanted_urls(task: Task, current: NumberUrls) -> NumberUrls:
    """What must be set on the number: ours for every live channel on it; what is not ours stays."""
    sid, origin = task.credentials.account_sid, task.origin

    def of(kind: ChannelKind, wanted: str, present: str) -> str:
        if kind in task.kinds:
            return wanted
        return "" if rules.is_ours(present, origin) else present

    sms, voice = ChannelKind.SMS, ChannelKind.VOICEMAIL
    return NumberUrls(
        sms=of(sms, rules.webhook_url(origin, sms, sid), current.sms),
        sms_fallback=of(sms, rules.fallback_url(origin, sms, sid), current.sms_fallback),
        voice=of(voice, rules.webhook_url(origin, voice, sid), current.voice),
        voice_fallback=of(voice, rules.fallback_url(origin, voice, sid), current.voice_fallback),
        call_status=of(voice, rules.call_status_url(origin, sid), current.call_status),
    )


def sender_urls(task: Task) -> SenderUrls:
    """What must be set on the WhatsApp sender; statuses are asked for with each message."""
    sid, origin, kind = task.credentials.account_sid, task.origin, ChannelKind.WHATSAPP
    return SenderUrls(callback=rules.webhook_url(origin, kind, sid), fallback=rules.fallback_url(origin, kind, sid))


def _same_sender_urls(found: SenderUrls, wanted: SenderUrls) -> bool:
    return (found.callback, found.fallback) == (wanted.callback, wanted.fallback)


async def _set_number_urls(task: Task, gateway: TenantGateway) -> OwnedNumber:
    number = await gateway.fetch_number(_known(task.facts.number_sid))
    urls = wanted_urls(task, number.urls)
    return number if number.urls == urls else await gateway.update_number(number.sid, urls)


def _registration(task: Task) -> SenderRegistration:
    return SenderRegistration(
        phone_number=task.phone_number,
        display_name=str(task.config["display_name"]),
        urls=sender_urls(task),
        waba_id=task.config.get("waba_id") or None,
        verification_method=str(task.config.get("verification_method", "sms")),
    )


def _refuse_unfit(kind: ChannelKind, number: OwnedNumber) -> None:
    able = number.capabilities
    if (kind is ChannelKind.SMS and not able.sms) or (kind is ChannelKind.VOICEMAIL and not able.voice):
        raise ChannelProblem("This number cannot carry this channel. Please connect another number.")


def _onward(task: Task, **facts: Any) -> Outcome:
    return Outcome(state=rules.state_of(replace(task.facts, **facts)), again_in=0.0, changes=facts)


def _active(**changes: Any) -> Outcome:
    return Outcome(state=ChannelState.ACTIVE, again_in=SENDER_WATCH_SECONDS, changes=changes)


def _watched(fits: bool, again_in: float, **changes: Any) -> Outcome:
    return Outcome(state=ChannelState.ACTIVE, again_in=again_in, changes=changes, problem=None if fits else CHANGED)


def _offline(sender: WhatsAppSender) -> str:
    reasons = " ".join(sender.offline_reasons)
    return f"WhatsApp has taken this number offline. {reasons}".strip()


def _known(sid: str | None) -> str:
    if sid is None:
        raise ChannelProblem("This step needs an earlier one first. Please repeat it.")
    return sid
