"""What reaches the mail server, in which way, and what becomes of its answers."""

import asyncio
import os
import stat
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import quote

import pytest

from tenant_portal.mail import gateway
from tenant_portal.mail.gateway import Folder, MailError, Smtp
from tenant_portal.mail.letters import Letter, compose
from tenant_portal.models.base import now
from tenant_portal.models.ids import uuid7
from tests.mail.servers import PASSWORD, USER, Server, certificate, mail_server, speaking

SENDER = "Acme Portal <portal@acme.example>"
LETTER = Letter("nora@acme.example", "Come in", ("Hello Nora,", "come <in>."), "https://portal.example.com/x", "Enter")
SIGN_IN = f"{USER}:{quote(PASSWORD, safe='')}"


def message(letter: Letter = LETTER) -> gateway.EmailMessage:
    return compose(letter, uuid7(), SENDER, now())


async def test_a_letter_arrives_as_text_and_as_html() -> None:
    async with mail_server() as server:
        await Smtp(f"smtp+plain://127.0.0.1:{server.port}").send(message())
    [arrived] = server.messages
    assert server.recipients == ["nora@acme.example"]
    assert (arrived["From"], arrived["To"], arrived["Subject"]) == (SENDER, LETTER.to, "Come in")
    text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "come <in>." in text.get_content()
    assert LETTER.link in text.get_content()
    assert "come &lt;in&gt;." in html.get_content()
    assert f'href="{LETTER.link}"' in html.get_content()


async def test_the_password_goes_only_over_an_encrypted_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server = Server()
    strict = {"require_starttls": True, "authenticator": server.authenticate, "auth_required": True}
    async with mail_server(server, tls_context=speaking(path), **strict):
        await Smtp(f"smtp://{SIGN_IN}@127.0.0.1:{server.port}").send(message())
    assert server.signed_in == [PASSWORD.encode()]
    assert len(server.messages) == 1


async def test_tls_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with mail_server(tls=speaking(path)) as server:
        await Smtp(f"smtps://127.0.0.1:{server.port}").send(message())
    assert len(server.messages) == 1


async def test_a_server_whose_certificate_nobody_knows_gets_nothing(tmp_path: Path) -> None:
    async with mail_server(tls_context=speaking(certificate(tmp_path))) as server:
        with pytest.raises(MailError) as caught:
            await Smtp(f"smtp://127.0.0.1:{server.port}").send(message())
    assert (caught.value.permanent, server.messages) == (False, [])


async def test_a_server_without_encryption_is_told_no_password() -> None:
    server = Server()
    async with mail_server(server, authenticator=server.authenticate, auth_require_tls=False):
        with pytest.raises(MailError) as caught:
            await Smtp(f"smtp://{SIGN_IN}@127.0.0.1:{server.port}").send(message())
    assert (caught.value.message, caught.value.permanent) == (gateway.NO_TLS, False)
    assert (server.signed_in, server.messages) == ([], [])


async def test_a_wrong_password_is_said_and_tried_again() -> None:
    server = Server()
    async with mail_server(server, authenticator=server.authenticate, auth_require_tls=False):
        with pytest.raises(MailError) as caught:
            await Smtp(f"smtp+plain://{USER}:wrong@127.0.0.1:{server.port}").send(message())
    assert (caught.value.message, caught.value.permanent) == (gateway.NOT_SIGNED_IN, False)


@pytest.mark.parametrize(
    ("reply", "said", "permanent"),
    [
        ("550 no such user", gateway.NO_SUCH_ADDRESS, True),
        ("450 mailbox busy", gateway.NO_SUCH_ADDRESS, False),
    ],
)
async def test_a_refused_address_is_final_only_if_the_server_says_so(reply: str, said: str, permanent: bool) -> None:
    async with mail_server() as server:
        server.answers[LETTER.to] = reply
        with pytest.raises(MailError) as caught:
            await Smtp(f"smtp+plain://127.0.0.1:{server.port}").send(message())
    assert (caught.value.message, caught.value.permanent) == (said, permanent)


@pytest.mark.parametrize(("reply", "permanent"), [("554 spam", True), ("451 later", False)])
async def test_so_is_a_refused_text(reply: str, permanent: bool) -> None:
    async with mail_server() as server:
        server.to_data = reply
        with pytest.raises(MailError) as caught:
            await Smtp(f"smtp+plain://127.0.0.1:{server.port}").send(message())
    assert (caught.value.message, caught.value.permanent) == (gateway.NOT_TAKEN, permanent)


async def test_a_server_that_is_away_is_tried_again() -> None:
    async with mail_server() as server:
        port = server.port
    with pytest.raises(MailError) as caught:
        await Smtp(f"smtp+plain://127.0.0.1:{port}").send(message())
    assert (caught.value.message, caught.value.permanent) == (gateway.NOT_REACHED, False)


async def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "SECONDS", 0.2)
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(5):
            with pytest.raises(MailError) as caught:
                await Smtp(f"smtp+plain://127.0.0.1:{port}").send(message())
            await left.wait()
    assert caught.value.message == gateway.NOT_REACHED


@pytest.mark.parametrize(
    "subject", ["Hi\r\nBcc: eve@evil.example", "Hi\nBcc: eve@evil.example", "Hi\x00\x0b\u2028Bcc: eve@evil.example"]
)
async def test_a_name_cannot_begin_another_header(subject: str) -> None:
    made = message(Letter("nora@acme.example", subject, ("Hello",)))
    assert made["Bcc"] is None
    assert [
        line for line in bytes(made).partition(b"\r\n\r\n")[0].splitlines() if line.lower().startswith(b"bcc")
    ] == []
    assert made["Subject"] == "Hi Bcc: eve@evil.example"


@pytest.mark.parametrize("address", ["nora@acme.example\r\nBcc: eve@evil.example", "a@b.example, eve@evil.example"])
async def test_an_address_is_one_address(address: str) -> None:
    with pytest.raises(ValueError):
        message(Letter(address, "Hi", ("Hello",)))


async def test_the_folder_holds_what_a_mail_program_opens(tmp_path: Path) -> None:
    await Folder(tmp_path / "outbox").send(message())
    [path] = (tmp_path / "outbox").iterdir()
    assert path.name.endswith(" nora@acme.example.eml")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"] == "Come in"


async def test_an_address_makes_no_path_of_its_own(tmp_path: Path) -> None:
    await Folder(tmp_path / "outbox").send(message(Letter("x/z/y@acme.example", "Hi", ("Hello",))))
    assert [path.parent.name for path in tmp_path.rglob("*.eml")] == ["outbox"]
