"""The two gateways on Twilio's own library."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException
from twilio.base.values import unset
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList
from twilio.rest.messaging.v2.channels_sender import ChannelsSenderContext, ChannelsSenderList

from tenant_portal.twilio_gateway import content as contents
from tenant_portal.twilio_gateway import translate
from tenant_portal.twilio_gateway.downloads import download
from tenant_portal.twilio_gateway.errors import TwilioError, TwilioRefused
from tenant_portal.twilio_gateway.gateway import (
    AvailableNumber,
    Download,
    MessageMedia,
    NumberPurchase,
    NumberSearch,
    NumberType,
    NumberUrls,
    OutgoingMessage,
    OwnedNumber,
    Recording,
    SenderRegistration,
    SenderUrls,
    Subaccount,
    SubaccountStatus,
    Transcription,
    TwilioMessage,
    WhatsAppSender,
)
from tenant_portal.twilio_gateway.http_client import PortalHttpClient

# The library blocks, and its asynchronous client loses JSON bodies and repeats POSTs (twilio-python #932): threads,
# bounded so that a slow Twilio cannot eat the process.
THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="twilio")
# Not empty: the library reads TWILIO_REGION and TWILIO_EDGE from the process where it is given an empty one.
NO_ENVIRONMENT = {"TWILIO_REGION": "", "TWILIO_EDGE": ""}

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking Twilio work; if the caller is cancelled the request itself still runs to its end."""
    # With the caller's context, so that logs and traces know whose request it is.
    here = copy_context()
    try:
        return await asyncio.get_running_loop().run_in_executor(THREADS, lambda: here.run(work))
    except TwilioException as error:
        raise TwilioError("Twilio's answer could not be understood.", detail=str(error)) from error


class _Account:
    def __init__(self, account_sid: str, auth_token: str, http: PortalHttpClient) -> None:
        self.account_sid = account_sid
        self._auth_token = auth_token
        self._http = http
        self._client = Client(account_sid, auth_token, http_client=http, environment=NO_ENVIRONMENT)

    def _account(self, sid: str) -> Any:
        return self._client.api.v2010.accounts(sid)


class LiveParentGateway(_Account):
    """ParentGateway over HTTP."""

    async def ensure_subaccount(self, friendly_name: str) -> Subaccount:
        existing = await self.find_subaccount(friendly_name)
        # A time-out of an earlier create may have left one: looking first is what keeps orphans from being made.
        if existing is not None:
            return existing
        accounts = self._client.api.v2010.accounts
        return translate.to_subaccount(await in_thread(lambda: accounts.create(friendly_name=friendly_name)))

    async def find_subaccount(self, friendly_name: str) -> Subaccount | None:
        found = await in_thread(lambda: self._client.api.v2010.accounts.list(friendly_name=friendly_name))
        closed = SubaccountStatus.CLOSED.value
        named = [one for one in found if one.friendly_name == friendly_name and one.status != closed]
        # The parent has a friendly name too, and its list contains itself.
        own = [one for one in named if one.sid != self.account_sid]
        # Should two have been made in a race, every process must settle on the same one.
        oldest = min(own, key=lambda one: (one.date_created, one.sid), default=None)
        return translate.to_subaccount(oldest) if oldest else None

    async def fetch_subaccount(self, sid: str) -> Subaccount:
        # With the parent's credentials: those of a suspended account no longer open anything.
        return translate.to_subaccount(await in_thread(self._account(sid).fetch))

    async def suspend_subaccount(self, sid: str) -> Subaccount:
        return await self._set_status(sid, SubaccountStatus.SUSPENDED)

    async def resume_subaccount(self, sid: str) -> Subaccount:
        return await self._set_status(sid, SubaccountStatus.ACTIVE)

    async def close_subaccount(self, sid: str) -> Subaccount:
        return await self._set_status(sid, SubaccountStatus.CLOSED)

    async def _set_status(self, sid: str, status: SubaccountStatus) -> Subaccount:
        return translate.to_subaccount(await in_thread(lambda: self._account(sid).update(status=status.value)))


class LiveTenantGateway(_Account):
    """TenantGateway over HTTP."""

    async def fetch_account(self) -> Subaccount:
        return translate.to_subaccount(await in_thread(self._account(self.account_sid).fetch))

    async def search_numbers(self, search: NumberSearch) -> list[AvailableNumber]:
        # Two hosts of Twilio, half a second each: asked at the same time.
        found, (currency, prices) = await asyncio.gather(
            in_thread(lambda: self._on_sale(search)), self._prices_if_known(search.country)
        )
        return [translate.to_available(number, search.number_type, prices, currency) for number in found]

    async def number_prices(self, country: str) -> tuple[str, dict[NumberType, Decimal]]:
        countries = self._client.pricing.v1.phone_numbers.countries
        return translate.to_prices(await in_thread(countries(country).fetch))

    async def buy_number(self, purchase: NumberPurchase) -> OwnedNumber:
        bought = await in_thread(
            lambda: self._client.incoming_phone_numbers.create(
                phone_number=purchase.phone_number,
                friendly_name=purchase.friendly_name or unset,
                address_sid=purchase.address_sid or unset,
                bundle_sid=purchase.bundle_sid or unset,
                **_number_urls(purchase.urls),
            )
        )
        return translate.to_owned(bought)

    async def list_numbers(self) -> list[OwnedNumber]:
        # The library walks all pages; the default of 50 would take four times the requests.
        found = await in_thread(lambda: self._client.incoming_phone_numbers.list(page_size=200))
        return [translate.to_owned(number) for number in found]

    async def find_number(self, phone_number: str) -> OwnedNumber | None:
        found = await in_thread(lambda: self._client.incoming_phone_numbers.list(phone_number=phone_number))
        # Twilio matches parts of numbers too.
        exact = [number for number in found if number.phone_number == phone_number]
        return translate.to_owned(exact[0]) if exact else None

    async def fetch_number(self, number_sid: str) -> OwnedNumber:
        return translate.to_owned(await in_thread(self._client.incoming_phone_numbers(number_sid).fetch))

    async def update_number(self, number_sid: str, urls: NumberUrls) -> OwnedNumber:
        number = self._client.incoming_phone_numbers(number_sid)
        return translate.to_owned(await in_thread(lambda: number.update(**_number_urls(urls))))

    async def release_number(self, number_sid: str) -> None:
        await _gone(self._client.incoming_phone_numbers(number_sid))

    async def send_message(self, message: OutgoingMessage) -> TwilioMessage:
        # Not idempotent at Twilio: this is the one call that must never be made twice for one message.
        sent = await in_thread(
            lambda: self._client.messages.create(
                to=message.to,
                from_=message.from_,
                # An empty Body beside a picture is refused, a missing one is not; a template brings its own.
                body=unset if message.content_sid else message.body or unset,
                media_url=list(message.media_urls) or unset,
                status_callback=message.status_callback or unset,
                content_sid=message.content_sid or unset,
                content_variables=json.dumps(message.content_variables) if message.content_variables else unset,
            )
        )
        return translate.to_message(sent)

    async def fetch_message(self, message_sid: str) -> TwilioMessage:
        return translate.to_message(await in_thread(self._client.messages(message_sid).fetch))

    async def list_messages(
        self, *, to: str | None = None, from_: str | None = None, since: datetime | None = None, limit: int = 200
    ) -> list[TwilioMessage]:
        found = await in_thread(
            lambda: self._client.messages.list(
                to=to or unset,
                from_=from_ or unset,
                date_sent_after=since or unset,
                limit=limit,
                page_size=min(limit, 1000),
            )
        )
        return [translate.to_message(message) for message in found]

    async def redact_message(self, message_sid: str) -> None:
        await in_thread(lambda: self._client.messages(message_sid).update(body=""))

    async def delete_message(self, message_sid: str) -> None:
        await _gone(self._client.messages(message_sid))

    async def create_sender(self, registration: SenderRegistration) -> WhatsAppSender:
        wanted = {
            "sender_id": translate.WHATSAPP + registration.phone_number,
            "configuration": {"waba_id": registration.waba_id, "verification_method": registration.verification_method},
            "webhook": _sender_webhook(registration.urls),
            "profile": {"name": registration.display_name, "about": registration.about},
        }
        # A model object: given a plain dict, the library fails with an AttributeError of its own.
        request = ChannelsSenderList.MessagingV2ChannelsSenderRequestsCreate(wanted)
        return translate.to_sender(await in_thread(lambda: self._senders.create(request)))

    async def list_senders(self) -> list[WhatsAppSender]:
        # The channel is required since the same address also lists RCS senders.
        found = await in_thread(lambda: self._senders.list(channel="whatsapp"))
        return [translate.to_sender(sender) for sender in found]

    async def fetch_sender(self, sender_sid: str) -> WhatsAppSender:
        return translate.to_sender(await in_thread(self._sender(sender_sid).fetch))

    async def verify_sender(self, sender_sid: str, code: str) -> WhatsAppSender:
        return await self._change_sender(sender_sid, {"configuration": {"verification_code": code}})

    async def update_sender(self, sender_sid: str, urls: SenderUrls) -> WhatsAppSender:
        return await self._change_sender(sender_sid, {"webhook": _sender_webhook(urls)})

    async def delete_sender(self, sender_sid: str) -> None:
        await _gone(self._sender(sender_sid))

    async def create_template(self, content: contents.Content) -> str:
        # A model object, as for senders.
        request = ContentList.ContentCreateRequest(contents.to_request(content))
        return str((await in_thread(lambda: self._client.content.v1.contents.create(request))).sid)

    async def submit_template(self, content_sid: str, name: str, category: str) -> None:
        request = ApprovalCreateList.ContentApprovalRequest({"name": name, "category": category})
        approvals = self._client.content.v1.contents(content_sid).approval_create
        await in_thread(lambda: approvals.create(request))

    async def list_templates(self) -> list[contents.TwilioTemplate]:
        found = await in_thread(lambda: self._client.content.v1.content_and_approvals.list(page_size=200))
        return [contents.to_template(one) for one in found]

    async def delete_template(self, content_sid: str) -> None:
        await _gone(self._client.content.v1.contents(content_sid))

    async def list_media(self, message_sid: str) -> list[MessageMedia]:
        found = await in_thread(self._client.messages(message_sid).media.list)
        return [translate.to_media(media, self.account_sid) for media in found]

    async def delete_media(self, message_sid: str, media_sid: str) -> None:
        await _gone(self._client.messages(message_sid).media(media_sid))

    async def fetch_recording(self, recording_sid: str) -> Recording:
        found = await in_thread(self._client.recordings(recording_sid).fetch)
        return translate.to_recording(found, self.account_sid)

    async def delete_recording(self, recording_sid: str) -> None:
        await _gone(self._client.recordings(recording_sid))

    async def list_transcriptions(self, recording_sid: str) -> list[Transcription]:
        found = await in_thread(self._client.recordings(recording_sid).transcriptions.list)
        return [translate.to_transcription(transcription) for transcription in found]

    async def fetch_transcription(self, transcription_sid: str) -> Transcription:
        return translate.to_transcription(await in_thread(self._client.transcriptions(transcription_sid).fetch))

    async def delete_transcription(self, transcription_sid: str) -> None:
        await _gone(self._client.transcriptions(transcription_sid))

    async def delete_call(self, call_sid: str) -> None:
        await _gone(self._client.calls(call_sid))

    async def create_secondary_token(self) -> str:
        # No account in this path: the credentials alone say whose token it is, so only the subaccount's own will do.
        token = self._client.accounts.v1.secondary_auth_token()
        return str((await in_thread(token.create)).secondary_auth_token)

    async def promote_secondary_token(self) -> str:
        promotion = self._client.accounts.v1.auth_token_promotion()
        return str((await in_thread(promotion.update)).auth_token)

    async def download(self, url: str, *, max_bytes: int) -> Download:
        return await in_thread(lambda: download(self._http, self.account_sid, self._auth_token, url, max_bytes))

    @property
    def _senders(self) -> ChannelsSenderList:
        return self._client.messaging.v2.channels_senders

    def _sender(self, sender_sid: str) -> ChannelsSenderContext:
        return self._client.messaging.v2.channels_senders(sender_sid)

    async def _change_sender(self, sender_sid: str, change: dict[str, object]) -> WhatsAppSender:
        request = ChannelsSenderContext.MessagingV2ChannelsSenderRequestsUpdate(change)
        return translate.to_sender(await in_thread(lambda: self._sender(sender_sid).update(request)))

    def _on_sale(self, search: NumberSearch) -> list[Any]:
        country = self._client.available_phone_numbers(search.country)
        by_type = {
            NumberType.LOCAL: country.local,
            NumberType.MOBILE: country.mobile,
            NumberType.TOLL_FREE: country.toll_free,
        }
        wishes = {
            "area_code": search.area_code or unset,
            "contains": search.contains or unset,
            "sms_enabled": search.needs.sms or unset,
            "mms_enabled": search.needs.mms or unset,
            "voice_enabled": search.needs.voice or unset,
        }
        try:
            return list(by_type[search.number_type].list(limit=search.limit, **wishes))
        except TwilioRefused as error:
            # How Twilio says that a country has no numbers of this type.
            if error.not_found:
                return []
            raise

    async def _prices_if_known(self, country: str) -> tuple[str, dict[NumberType, Decimal]]:
        # A missing price must not hide the numbers.
        try:
            return await self.number_prices(country)
        except TwilioError:
            return "", {}


async def _gone(resource: Any) -> None:
    try:
        await in_thread(resource.delete)
    except TwilioRefused as error:
        # Deleted by an earlier attempt whose answer was lost, or by hand in the console: as wanted either way.
        if not error.not_found:
            raise


def _number_urls(urls: NumberUrls) -> dict[str, str]:
    return {
        # Empty texts are sent on purpose: they clear what was set before.
        "sms_url": urls.sms,
        "sms_method": "POST",
        "sms_fallback_url": urls.sms_fallback,
        "sms_fallback_method": "POST",
        "voice_url": urls.voice,
        "voice_method": "POST",
        "voice_fallback_url": urls.voice_fallback,
        "voice_fallback_method": "POST",
        "status_callback": urls.call_status,
        "status_callback_method": "POST",
    }


def _sender_webhook(urls: SenderUrls) -> dict[str, str | None]:
    return {
        "callback_url": urls.callback,
        "callback_method": "POST" if urls.callback is not None else None,
        "fallback_url": urls.fallback,
        "fallback_method": "POST" if urls.fallback is not None else None,
        "status_callback_url": urls.status_callback,
        "status_callback_method": "POST" if urls.status_callback is not None else None,
    }
