"""Sealed values open in their own place and nowhere else."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal import crypto
from tenant_portal.config import Settings, new_secret_key
from tenant_portal.crypto import CannotOpen, Place, seal, unseal, unseal_bytes

ACME, GLOBEX = uuid4(), uuid4()
PLACE = Place("subaccount", "auth_token_sealed", ACME, str(ACME))


@given(st.binary(max_size=200))
def test_what_was_sealed_opens(plaintext: bytes) -> None:
    assert unseal_bytes(seal(plaintext, PLACE), PLACE) == plaintext


@pytest.mark.parametrize(
    "other",
    [
        Place("subaccount", "auth_token_sealed", GLOBEX, str(ACME)),
        Place("subaccount", "previous_auth_token_sealed", ACME, str(ACME)),
        Place("channel", "auth_token_sealed", ACME, str(ACME)),
        Place("subaccount", "auth_token_sealed", ACME, str(GLOBEX)),
        Place("subaccount", "auth_token_sealed", None, str(ACME)),
    ],
)
def test_a_token_copied_to_another_place_does_not_open(other: Place) -> None:
    with pytest.raises(CannotOpen):
        unseal(seal("token", PLACE), other)


def test_no_single_changed_bit_goes_unnoticed() -> None:
    sealed = seal("token", PLACE)
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(CannotOpen):
            unseal(bytes(changed), PLACE)


def test_no_shortened_value_opens() -> None:
    sealed = seal("token", PLACE)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            unseal(sealed[:length], PLACE)


def test_the_same_token_never_looks_the_same() -> None:
    assert seal("token", PLACE) != seal("token", PLACE)


def test_an_old_key_opens_and_the_new_one_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = new_secret_key("old"), new_secret_key("new")
    monkeypatch.setattr(crypto, "settings", lambda: Settings(secret_keys=old))
    sealed = seal("token", PLACE)
    monkeypatch.setattr(crypto, "settings", lambda: Settings(secret_keys=f"{new},{old}"))
    assert unseal(sealed, PLACE) == "token"
    assert crypto.is_stale(sealed)
    assert not crypto.is_stale(seal("token", PLACE))


def test_without_its_key_a_value_names_the_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal("token", PLACE)
    monkeypatch.setattr(crypto, "settings", lambda: Settings(secret_keys=new_secret_key("other")))
    with pytest.raises(CannotOpen, match="'k1'"):
        unseal(sealed, PLACE)


def test_a_token_hash_does_not_show_the_token() -> None:
    token = crypto.new_token()
    assert len(token) >= 43
    assert token.encode() not in crypto.token_hash(token)
