"""Our verdict on a signature is Twilio's own validators' verdict, on fixed vectors and on any other request."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from tenant_portal.twilio_gateway.errors import MalformedForm
from tenant_portal.twilio_gateway.signatures import (
    MAX_PARAMETERS,
    json_url,
    parse_form,
    sign,
    storable,
    verify_form,
    verify_json,
    verify_request,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "reference" / "signature_vectors.json"
TOKEN = "12345678901234567890123456789012"
URL = "https://portal.example.com/api/webhooks/sms?account=AC" + "a" * 32
# Signatures made once by twilio.request_validator.RequestValidator of twilio 9.13.0.
VECTORS = [
    ("Body=Hello&From=%2B14155550199&ToCity=", URL, "0O4h3unjsLy0x1om8opA04KY9+M="),
    ("Body=Tschau+%F0%9F%91%8B%0D%0Aline+two&NumMedia=0", URL, "wXCGZPOEQCEJQbMduTkFRCujg4c="),
    ("Tag=b&Tag=a&Tag=b&Other=", "https://portal.example.com:8443/voice/x%20y", "BETEDgBX8BCJySmwnPauuCK2IWc="),
    ("", "http://portal.example.com/plain", "bj3fxRpix7X2h8Oa8L84rlWcvYk="),
]

Pairs = list[tuple[str, str]]
names = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=12)
values = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
pairs = st.lists(st.tuples(names, values), max_size=12)
hosts = st.sampled_from(["portal.example.com", "Portal.Example.com", "10.0.0.1", "a.b"])
ports = st.sampled_from(["", ":80", ":443", ":8443", ":3000"])
paths = st.sampled_from(["/", "/api/webhooks/sms", "/a%20b/%C3%BC", "/x?account=AC1", "/x?n=1%2B1&m=a+b"])
urls = st.builds(
    lambda scheme, *rest: f"{scheme}://{''.join(rest)}", st.sampled_from(["http", "https"]), hosts, ports, paths
)


class MultiDict(dict[str, list[str]]):
    """Duplicates as Twilio's validator wants them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def multi_dict(pairs: Pairs) -> MultiDict:
    found = MultiDict()
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(("body", "url", "signature"), VECTORS)
def test_known_requests_are_accepted_with_their_signature_only(body: str, url: str, signature: str) -> None:
    parameters = parse_form(body.encode())
    assert verify_form(url, parameters, signature, [TOKEN])
    assert not verify_form(url, [*parameters, ("Extra", "1")], signature, [TOKEN])
    assert not verify_form(url, parameters, signature.swapcase(), [TOKEN])
    assert not verify_form(url, parameters, signature, [TOKEN[::-1]])


def shared_vectors() -> list[Any]:
    vectors = json.loads(SHARED.read_text())["vectors"] if SHARED.exists() else []
    return [pytest.param(vector, id=vector["id"]) for vector in vectors]


@pytest.mark.skipif(not SHARED.exists(), reason="the reference vectors are not beside the repository")
@pytest.mark.parametrize("vector", shared_vectors())
def test_each_reference_vector_gets_the_verdict_of_both_official_sdks(vector: dict[str, Any]) -> None:
    raw = (vector["raw_body"] or "").encode()
    headers = {"x-twilio-signature": vector["signature"]}
    is_json = vector["content_type"] == "application/json"
    verdict = verify_request(
        vector["request_url"],
        headers,
        [vector["validating_token"]],
        parameters=[] if is_json else parse_form(raw),
        json_body=raw if is_json else None,
    )
    assert verdict == vector["expected_valid"]


@given(urls, pairs)
def test_we_sign_as_the_official_library_does(url: str, pairs: Pairs) -> None:
    assert sign(url, pairs, TOKEN) == RequestValidator(TOKEN).compute_signature(url, multi_dict(pairs))


@given(urls, urls, pairs)
def test_our_verdict_is_that_of_the_official_library(signed: str, requested: str, pairs: Pairs) -> None:
    signature = sign(signed, pairs, TOKEN)
    official = RequestValidator(TOKEN).validate(requested, multi_dict(pairs), signature)
    assert verify_form(requested, pairs, signature, [TOKEN]) == official


@given(pairs, pairs)
def test_a_changed_form_is_accepted_only_where_the_official_library_accepts_it(signed: Pairs, sent: Pairs) -> None:
    signature = sign(URL, signed, TOKEN)
    official = RequestValidator(TOKEN).validate(URL, multi_dict(sent), signature)
    assert verify_form(URL, sent, signature, [TOKEN]) == official


@given(st.binary(max_size=200))
def test_any_body_is_parsed_or_refused_but_never_breaks(raw: bytes) -> None:
    try:
        parameters = parse_form(raw)
    except MalformedForm:
        return
    assert verify_form(URL, parameters, sign(URL, parameters, TOKEN), [TOKEN])


@given(st.text(max_size=60))
def test_any_signature_header_is_refused_quietly(signature: str) -> None:
    assert not verify_form(URL, [("Body", "x")], signature, [TOKEN])


@pytest.mark.parametrize("port", [":443", ""])
def test_the_default_port_may_be_signed_or_not(port: str) -> None:
    with_port = f"https://portal.example.com{port}/x"
    without = "https://portal.example.com/x"
    assert verify_form(without, [], sign(with_port, [], TOKEN), [TOKEN])
    assert verify_form(with_port, [], sign(without, [], TOKEN), [TOKEN])


def test_an_ipv6_host_keeps_its_brackets() -> None:
    assert verify_form("http://[::1]:3000/x", [], sign("http://[::1]/x", [], TOKEN), [TOKEN])
    assert verify_form("http://[::1]/x", [], sign("http://[::1]:80/x", [], TOKEN), [TOKEN])


def test_either_token_of_a_rotation_opens() -> None:
    signature = sign(URL, [("Body", "x")], "new")
    assert verify_form(URL, [("Body", "x")], signature, ["old", "new"])
    assert verify_form(URL, [("Body", "x")], signature, ["new", "old"])
    assert not verify_form(URL, [("Body", "x")], signature, ["old", "older"])


def test_no_token_means_no_entry() -> None:
    assert not verify_form(URL, [], sign(URL, [], ""), [])


@pytest.mark.parametrize("headers", [{}, {"x-twilio-signature": ""}])
def test_a_request_without_a_signature_is_refused(headers: dict[str, str]) -> None:
    assert not verify_request(URL, headers, [TOKEN])


def test_a_request_signed_with_a_shared_key_is_refused() -> None:
    headers = {"x-twilio-signature": sign(URL, [], TOKEN)}
    assert verify_request(URL, headers, [TOKEN])
    settings = {"x-twilio-webhooks-signature-settings": "key=1,algorithm=HMAC_SHA256"}
    assert not verify_request(URL, {**headers, **settings}, [TOKEN])


def test_a_json_body_must_be_the_one_that_was_hashed() -> None:
    body = b'{"a": 1}'
    url = json_url(URL, body)
    signature = sign(url, [], TOKEN)
    assert url.endswith(hashlib.sha256(body).hexdigest())
    assert RequestValidator(TOKEN).validate(url, body.decode(), signature)
    assert verify_json(url, body, signature, [TOKEN])
    assert not verify_json(url, b'{"a":1}', signature, [TOKEN])


def test_a_json_body_needs_exactly_one_hash() -> None:
    body = b"{}"
    twice = json_url(json_url(URL, body), body)
    assert not verify_json(URL, body, sign(URL, [], TOKEN), [TOKEN])
    assert not verify_json(twice, body, sign(twice, [], TOKEN), [TOKEN])


def test_a_hash_goes_into_an_empty_query_too() -> None:
    assert "/x?bodySHA256=" in json_url("https://portal.example.com/x", b"{}")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a=1&b=&a=2", [("a", "1"), ("b", ""), ("a", "2")]),
        (b"Body=+two++spaces%0D%0A", [("Body", " two  spaces\r\n")]),
        (b"alone&x=1", [("alone", ""), ("x", "1")]),
        ("Body=ü".encode(), [("Body", "ü")]),
        (b"Body=%F0%9F%98%80;b=1", [("Body", "😀;b=1")]),
        (b"Body=100%", [("Body", "100%")]),
        (b"Body=a%00b", [("Body", "a\0b")]),
        (b"", []),
    ],
)
def test_a_form_keeps_order_blanks_and_duplicates(raw: bytes, expected: Pairs) -> None:
    assert parse_form(raw) == expected


@pytest.mark.parametrize(
    "raw", [b"Body=%FF", b"Body=\xff", b"%C3=1", b"na%00me=1", b"&".join([b"a=1"] * (MAX_PARAMETERS + 1))]
)
def test_a_form_that_twilio_never_sends_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedForm):
        parse_form(raw)


def test_a_thousand_parameters_are_still_read() -> None:
    assert len(parse_form(b"&".join([b"a=1"] * MAX_PARAMETERS))) == MAX_PARAMETERS


def test_a_nul_is_made_storable_only_after_the_signature_was_checked() -> None:
    [(_, value)] = parse_form(b"Body=a%00b")
    assert storable(value) == "a\N{REPLACEMENT CHARACTER}b"
