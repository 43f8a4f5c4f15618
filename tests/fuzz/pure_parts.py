"""Coverage-guided fuzzing of everything that decides about a request before the database sees it.

    python -m tests.fuzz.pure_parts [SECONDS] [FOLDER FOR INPUTS THAT ARE WORTH KEEPING]

Needs atheris (requirements-dev.txt: Linux on x86-64, Python 3.11 to 3.13). Ends with 0 if nothing was found, else with
a traceback, and the input in a file named crash-….
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import atheris

with atheris.instrument_imports(include=["tenant_portal"]):
    from tenant_portal import webhook_routes  # noqa: F401 - names every kind of request
    from tenant_portal.front_door.endpoints import ENDPOINTS
    from tenant_portal.front_door.events import numbered
    from tenant_portal.front_door.quarantine import fingerprint
    from tenant_portal.front_door.received import Received
    from tenant_portal.front_door.refusal import Refused, names_of
    from tenant_portal.front_door.verify import Webhook, claim
    from tenant_portal.twilio_gateway.errors import MalformedForm
    from tenant_portal.twilio_gateway.signatures import parse_form, sign, verify_form

SID, TENANT, TOKEN = f"AC{'1' * 32}", UUID(int=1), "1" * 32
PREFIX = f"AccountSid={SID}&".encode()
SEEDS = (
    f"MessageSid=SM{'2' * 32}&From=%2B14155550199&To=%2B14155550100&Body=Hello%2C+5+%3E+3+%F0%9F%91%8D",
    "MessageSid=x&From=whatsapp%3A%2B491711234567&To=whatsapp%3A%2B1&NumMedia=1&MediaUrl0=https%3A%2F%2Fx%2Fy",
    "MessageSid=x&From=a&To=b&Latitude=52.5&Longitude=-1e3&Label=x&Forwarded=true&ReferralBody=r&OptOutType=STOP",
    "MessageSid=x&SmsStatus=delivered&ErrorCode=30007&RawDlrDoneDate=2611241200&EventType=READ",
    f"CallSid=CA{'3' * 32}&From=anonymous&To=%2B14155550100&CallStatus=ringing&CallerName=x&StirVerstat=y",
    "CallSid=x&RecordingSid=RE1&RecordingStatus=completed&RecordingUrl=u&RecordingDuration=12",
    "CallSid=x&RecordingSid=RE1&TranscriptionStatus=completed&TranscriptionText=Hi&From=%2B1",
)


def check_claim(data: bytes) -> None:
    """Random query and body: refused, or of the one account that both name."""
    query, _, body = data.partition(b"\n")
    received = Received("sms", "/api/webhooks/sms", query.decode("latin-1"), body, None)
    fingerprint(received)
    try:
        claimed = claim(received)
    except Refused as refusal:
        if refusal.status not in {400, 403}:
            raise
        return
    assert [value for name, value in claimed.parameters if name == "AccountSid"] == [claimed.account_sid]
    names_of(claimed.parameters)


def check_signature(data: bytes) -> None:
    """A form that can be read can be signed; no other token's signature is taken for it."""
    try:
        parameters = parse_form(data)
    except MalformedForm:
        return
    url = "https://portal.example.com/api/webhooks/sms?" + data[:60].decode("latin-1")
    signature = sign(url, parameters, TOKEN)
    assert verify_form(url, parameters, signature, [TOKEN])
    assert not verify_form(url, parameters, signature, ["2" * 32])
    assert not verify_form(url, parameters, data.decode("latin-1"), [TOKEN])


def check_kept(data: bytes) -> None:
    """What is kept comes back as it was."""
    text = data.decode("latin-1")
    received = Received("sms", text[:40], text[40:80], data, text[:20] or None, ids={"message_id": text[:30]}).kept()
    assert Received.from_bytes(received.to_bytes()) == received


def check_rows(data: bytes) -> None:
    """Whatever a signed request says, each kind makes a row of it that PostgreSQL can read, or refuses it."""
    try:
        claimed = claim(Received("sms", "/x", f"account={SID}", PREFIX + data, None))
    except Refused:
        return
    for kind, endpoint in ENDPOINTS.items():
        ids = {"message_id": str(UUID(int=5))}
        received = replace(claimed.received, kind=kind, ids=ids)
        try:
            row = endpoint.row(Webhook(replace(claimed, received=received), TENANT))
        except Refused as refusal:
            if refusal.status not in {400, 404}:
                raise
            continue
        assert row["tenant_id"] == str(TENANT)
        for text in _texts(json.loads(numbered([row]))):
            assert "\0" not in text
            text.encode()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for one in pair for text in _texts(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in _texts(one))


CHECKS: tuple[Callable[[bytes], None], ...] = (check_claim, check_signature, check_kept, check_rows)


@atheris.instrument_func
def check(data: bytes) -> None:
    """The first byte chooses what is done with the rest."""
    if data:
        CHECKS[data[0] % len(CHECKS)](data[1:])


def seeds() -> Iterator[bytes]:
    """A good input of each kind, for each check."""
    for number, one in enumerate(CHECKS):
        head = f"account={SID}\n".encode() + PREFIX if one is check_claim else b""
        for form in SEEDS:
            yield bytes([number]) + head + form.encode()


def main(seconds: str = "60", folder: str = "") -> None:
    """Never returns: the fuzzer ends the process."""
    with tempfile.TemporaryDirectory(prefix="portal-fuzz-") as scratch:
        corpus = Path(folder or scratch)
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (corpus / f"seed-{number}").write_bytes(seed)
        limits = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=5", "-rss_limit_mb=2048"]
        atheris.Setup([sys.argv[0], *limits, str(corpus)], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
