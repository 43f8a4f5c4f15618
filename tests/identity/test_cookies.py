"""Reading the session cookie out of a raw header."""

import pytest

from tenant_portal.identity.cookies import cookie_name, read_token


def test_over_https_the_cookie_has_the_host_prefix() -> None:
    assert cookie_name() == "__Host-portal_session"


@pytest.mark.parametrize(
    "header",
    ["{name}=token", "a=b; {name}=token", "{name}=token; a=b", " {name}=token ;a", "x{name}=other; {name}=token"],
)
def test_the_token_is_found_among_others(header: str) -> None:
    assert read_token(header.format(name=cookie_name())) == "token"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{name}",
        "{name}=",
        "portal_session=token",
        "{name}=token; {name}=other",
        "{name}=token; {name}=token",
        "{name}=" + "x" * 9000,
    ],
)
def test_none_or_more_than_one_is_none(header: str) -> None:
    assert read_token(header.format(name=cookie_name())) is None
