"""`handset`: play a lead at the simulated Twilio."""

import asyncio
from typing import Annotated, Any

import typer

from tenant_portal.cli.runtime import AsJson, show, show_one
from tenant_portal.errors import BadInput
from tenant_portal.models.enums import ChannelKind
from tenant_portal.simulator.handset import Entry, Place, handset

app = typer.Typer(help="Play a lead: write to a client's number, call it, see what comes back. Simulated Twilio only.")

To = Annotated[str, typer.Option("--to", help="The client's number, such as +14155550100.")]
From = Annotated[str, typer.Option("--from", help="The lead's phone.")]


@app.command()
def send(
    to: To,
    from_: From = "+14155550188",
    channel: Annotated[ChannelKind, typer.Option(help="sms, whatsapp or voicemail.")] = ChannelKind.SMS,
    text: Annotated[str, typer.Option(help="What the lead writes; for a call, the caller's name.")] = "",
    name: Annotated[str, typer.Option(help="The WhatsApp profile's name.")] = "",
    pictures: Annotated[int, typer.Option(min=0, max=10, help="Sample pictures to attach.")] = 0,
    location: Annotated[str, typer.Option(help="A place to share on WhatsApp: latitude,longitude.")] = "",
    button: Annotated[str, typer.Option(help="Press a quick-reply button with this text.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write as a lead, or leave the sample voicemail, and say what the portal answered."""
    if channel is ChannelKind.VOICEMAIL:
        show_one(_entry(asyncio.run(_call(from_, to, text))), as_json=as_json)
        return
    row = asyncio.run(_write(from_, to, text or button, channel, name, pictures, _place(location), button))
    show_one(row, as_json=as_json)
    if not row["accepted"]:
        raise typer.Exit(1)


@app.command()
def inbox(
    phone: Annotated[str, typer.Option(help="The lead's phone.")] = "+14155550188",
    with_: Annotated[str, typer.Option("--with", help="Only what was exchanged with this number.")] = "",
    as_json: AsJson = False,
) -> None:
    """What a lead's phone wrote and got, oldest first."""
    show([_entry(entry) for entry in asyncio.run(_conversation(phone, with_))], as_json=as_json, title=phone)


@app.command()
def numbers(as_json: AsJson = False) -> None:
    """The numbers a lead can write to or call, with WhatsApp's open verification codes."""
    show(asyncio.run(_numbers()), as_json=as_json, title="Numbers")


async def _write(
    from_: str, to: str, text: str, channel: ChannelKind, name: str, pictures: int, place: Place | None, button: str
) -> dict[str, Any]:
    async with handset() as phones:
        receipt = await phones.write(
            from_,
            to,
            text,
            whatsapp=channel is ChannelKind.WHATSAPP,
            profile_name=name,
            pictures=pictures,
            place=place,
            button=(button, button) if button else None,
        )
    return {
        "accepted": receipt.accepted,
        "message_sid": receipt.message_sid,
        "status": receipt.status,
        "error_code": receipt.error_code,
        "milliseconds": receipt.milliseconds,
    }


async def _call(from_: str, to: str, name: str) -> Entry:
    async with handset() as phones:
        return await phones.call(from_, to, caller_name=name, wait=True)


async def _conversation(phone: str, with_: str) -> list[Entry]:
    async with handset() as phones:
        return await phones.conversation(phone, with_)


async def _numbers() -> list[dict[str, Any]]:
    async with handset() as phones:
        lines, codes = await phones.lines(), await phones.verification_codes()
    return [
        {
            "number": line.phone_number,
            "client": line.account_name.partition(" (tenant ")[0],
            "channels": ", ".join(_channels(line.sms, line.whatsapp, line.voice)),
            "code": codes.get(line.phone_number, ""),
        }
        for line in lines
    ]


def _channels(sms: bool, whatsapp: bool, voice: bool) -> list[str]:
    able = {ChannelKind.SMS: sms, ChannelKind.WHATSAPP: whatsapp, ChannelKind.VOICEMAIL: voice}
    return [kind.value for kind, can in able.items() if can]


def _place(text: str) -> Place | None:
    if not text:
        return None
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        raise BadInput("Give the place as latitude,longitude, such as 52.52,13.40.") from None
    return Place(latitude, longitude)


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "from": "lead" if entry.outgoing else entry.other,
        "to": entry.other if entry.outgoing else "lead",
        "channel": entry.kind,
        "text": entry.text,
        "files": len(entry.media),
        "status": entry.status,
        "error_code": entry.error_code,
    }
