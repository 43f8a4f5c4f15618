"""Everything that must never be in a log, and what makes a running portal handle it, well and badly."""

import asyncio
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx
import psycopg

from tenant_portal.embedded_postgres import EmbeddedServer
from tenant_portal.simulator.handset import Handset, Line, Place
from tenant_portal.twilio_gateway.signatures import sign
from tests.portal_server import COOKIE, Portal, Tab, name_of, open_tab
from tests.running_portal import RunningPortal

LEAD, CALLER, WRONG = "+14155550188", "+14155550177", "+14155550999"
INBOX = "tenant_portal___ui___pages___inbox___state____inbox_state"
FIELDS = (
    "body", "boom", "reply", "unsent", "profile", "place", "button", "city", "caller", "spoken", "password", "email",
    "invitation", "argument", "event", "signature", "form", "agent", "path",
)  # fmt: skip
# Whoever raises these quotes the row, as PostgreSQL itself does where a constraint is broken.
QUOTE = (
    "create function public.quote_it() returns trigger language plpgsql as"
    " $$ begin raise exception 'bad: %', new; end $$;"
    "create function public.quote_thread() returns trigger language plpgsql as"
    " $$ begin raise exception 'bad: %', (select c from public.conversation c where c.id = new.conversation_id); end $$"
)
TRAPS = {
    "front door": "create trigger trap_in before insert on message for each row"
    " when (new.body like '%boom%') execute function quote_it()",
    "outbox": "create trigger trap_out before update on message for each row"
    " when (new.body like '%unsent%' and new.status <> 'sending') execute function quote_it()",
    "page": "create trigger trap_page before insert or update on thread_reading for each row"
    " when (new.read_count = 77) execute function quote_thread()",
}


@dataclass
class Canaries:
    """A word for each place a person can write to; `secrets` also holds numbers and tokens."""

    words: dict[str, str] = field(default_factory=lambda: {name: f"{name}{secrets.token_hex(8)}" for name in FIELDS})
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=lambda: {LEAD, CALLER, WRONG})

    def __getitem__(self, name: str) -> str:
        return self.words[name]

    def seen_in(self, text: str) -> set[str]:
        """Names of what is in a text; a number in any way of writing it."""
        digits = text.translate(str.maketrans("", "", " ()-./"))
        words = {name for name, word in (self.words | self.tokens).items() if word in text}
        return words | {number for number in self.numbers if number[2:] in digits}


class Theatre:
    """A running portal with its people, phones and database."""

    def __init__(self, running: RunningPortal, canaries: Canaries) -> None:
        self.running = running
        self.canaries = canaries
        self.web = Portal(running.address, "", running.data_dir / "none", running.address, running.process)
        parent = json.loads((running.data_dir / "simulated_twilio" / "parent_account.json").read_text())
        self.twilio = f"http://127.0.0.1:{running.port + 1}"
        self.parent = (parent["sid"], parent["auth_token"])
        admin = urlsplit(EmbeddedServer(running.data_dir).admin_url)
        self.admin_url = urlunsplit(admin._replace(path="/portal"))
        canaries.tokens |= {"parent token": parent["auth_token"], "superuser": admin.password or ""}
        keys = (running.data_dir / "secret_keys").read_text().strip()
        canaries.tokens["sealing key"] = keys.partition("base64:")[2] or keys.partition(":")[2]

    def phones(self) -> Handset:
        """The handset of its simulated Twilio."""
        return Handset(self.twilio, *self.parent)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Rows of the last statement, as the superuser."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = [connection.execute(statement.encode()) for statement in statements][-1]
            return cursor.fetchall() if cursor.description else []

    async def online(self, speed: float) -> list[Line]:
        """The numbers of both sample clients, once all their channels work."""
        async with self.phones() as phones:
            await phones.set_speed(speed)
            while True:
                lines = [line for line in await phones.lines() if line.sms and line.voice and line.whatsapp]
                if len(lines) >= 2:
                    return lines
                await asyncio.sleep(0.1)

    def learn_tokens(self) -> None:
        """Of all subaccounts."""
        listed = httpx.get(f"{self.twilio}/2010-04-01/Accounts.json", auth=self.parent).json()["accounts"]
        self.canaries.tokens |= {f"token of {one['sid']}": one["auth_token"] for one in listed}

    def password_of(self, email: str) -> str:
        """Of a sample sign-in."""
        made = json.loads((self.running.data_dir / "sample_sign_ins.json").read_text())
        return str(next(one["password"] for one in made if one["email"] == email))

    def sign_in(self, email: str) -> str:
        """The session token."""
        with self.web.http() as http:
            answer = http.post("/auth/login", data={"email": email, "password": self.password_of(email)})
        token = answer.cookies[COOKIE]
        self.canaries.tokens |= {f"session of {email}": token, f"password of {email}": self.password_of(email)}
        return token

    async def write_from_phones(self, line: Line) -> None:
        """Messages and a voicemail with canaries in every field that a lead fills."""
        say = self.canaries
        async with self.phones() as phones:
            await phones.write(LEAD, line.phone_number, say["body"], pictures=1, extra={"FromCity": say["city"]})
            await phones.write(LEAD, line.phone_number, say["boom"])
            await phones.write(
                LEAD, line.phone_number, say["body"], whatsapp=True, profile_name=say["profile"],
                place=Place(1.0, 2.0, say["place"], say["place"]), button=(say["button"], say["button"]),
            )  # fmt: skip
            speech = {"words": say["spoken"], "wav_base64": WAV}
            await phones.call(CALLER, line.phone_number, caller_name=say["caller"], speech=speech, wait=True)

    def send_bad_webhooks(self, line: Line) -> None:
        """Forged, malformed and signed ones that nobody can use; canaries in every parameter."""
        say, account = self.canaries, line.account_sid
        query = f"?account={account}"
        form = {
            "AccountSid": account,
            "From": WRONG,
            "To": WRONG,
            "MessageSid": f"SM{say['form']}",
            "Body": say["form"],
        }
        origin, token = self.running.address, say.tokens[f"token of {account}"]
        requests: list[tuple[str, bytes, str]] = [
            (f"sms{query}", urlencode(form).encode(), say["signature"]),
            (f"sms{query}", b"\xff\xfe%00=" + say["form"].encode(), say["signature"]),
            (f"sms?account={say['form']}", urlencode(form).encode(), say["signature"]),
            (f"{say['path']}{query}", urlencode(form).encode(), say["signature"]),
        ]
        for path, sent in (("sms", form), ("status/" + say["path"], form), ("sms", form | {"MessageSid": ""})):
            url = f"/api/webhooks/{path}{query}"
            signature = sign(f"{origin}{url}", list(sent.items()), token)
            self.canaries.tokens[f"signature of {path}"] = signature
            requests.append((path + query, urlencode(sent).encode(), signature))
        with httpx.Client(base_url=origin, headers={"User-Agent": say["agent"]}) as http:
            for path, body, signature in requests:
                headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
                http.post(f"/api/webhooks/{path}", content=body, headers=headers)

    def knock_at_the_pages(self, cookie: str) -> None:
        """Wrong sign-ins, made-up invitations, odd requests."""
        say = self.canaries
        with self.web.http() as http:
            http.post("/auth/login", data={"email": f"{say['email']}@acme.example", "password": say["password"]})
            http.post("/auth/login", data={"email": "alice@acme.example", "password": say["password"]})
            http.post("/auth/login", content=b"\xff" + say["password"].encode())
            http.get(f"/invitation/{say['invitation']}")
            http.post(f"/invitation/{say['invitation']}", data={"name": say["form"], "password": say["password"]})
        with self.web.http(cookie) as http:
            http.get(f"/media/{say['path']}")
            http.get(f"/{say['path']}", params={"token": say["argument"]})

    async def work_in_the_inbox(self, cookie: str) -> None:
        """Open a thread, answer, and send events that no page of ours would."""
        say = self.canaries
        found = self.sql("select c.id, l.address from conversation c join lead l on l.id = c.lead_id")
        thread = next(str(id_) for id_, address in found if address == LEAD)
        async with open_tab(self.web, cookie) as tab:
            self.canaries.tokens["client token"] = tab.token
            at = {
                "pathname": f"/inbox/{thread}",
                "asPath": f"/inbox/{thread}",
                "query": {"conversation_id": str(thread)},
            }
            await send(tab, "load", None, **at)
            await send(tab, "send", {"form": {"body": say["reply"]}}, **at)
            await send(tab, "send", {"form": {"body": say["unsent"]}}, **at)
            await send(tab, "send", {"form": say["argument"], say["argument"]: 1}, **at)
            await send(tab, "retry", {"message_id": say["argument"]}, **at)
            await tab.send(name_of("", say["event"]), {say["argument"]: say["argument"]})
            await tab.client.emit("client_error", {"message": say["argument"]}, namespace="/_event")
            await tab.quiet()
            self.sql(f"update conversation set preview = 'spring {say['body']}', unread_count = 77")
            await send(tab, "load", None, **at)
            await send(tab, "look", {"is_visible": True}, **at)


async def send(tab: Tab, handler: str, payload: Any, **router: Any) -> None:
    """An event to a handler of the inbox."""
    await tab.send(name_of(INBOX, handler), payload, **router)
    await tab.quiet()


def hidden_in(texts: Iterable[str], canaries: Canaries) -> dict[str, str]:
    """What was found -> the first line it was found in."""
    found: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            found |= dict.fromkeys(canaries.seen_in(line) - found.keys(), line[:400])
    return found


# A hundredth of a second of silence.
WAV = (
    "UklGRnQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YVAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
