"""Files in the object store: kept, read in part, replaced, forgotten."""

from uuid import uuid4

import pytest

from tenant_portal import object_store
from tenant_portal.config import settings
from tenant_portal.errors import NotFound


async def read(key: str, start: int = 0, end: int = 100) -> bytes:
    return b"".join([chunk async for chunk in object_store.read(key, start, end)])


def a_key() -> str:
    return object_store.key_of(uuid4(), uuid4())


def test_a_key_starts_with_its_tenant() -> None:
    tenant_id, file_id = uuid4(), uuid4()
    assert object_store.key_of(tenant_id, file_id) == f"{tenant_id}/{file_id}"


async def test_a_file_is_read_as_it_was_put() -> None:
    key = a_key()
    await object_store.put(key, b"0123456789")
    assert await read(key, 0, 10) == b"0123456789"
    assert await read(key, 3, 6) == b"345"


async def test_a_large_file_comes_in_chunks() -> None:
    key, content = a_key(), bytes(1_000_000)
    await object_store.put(key, content)
    chunks = [chunk async for chunk in object_store.read(key, 0, len(content))]
    assert len(chunks) > 1
    assert b"".join(chunks) == content


async def test_a_file_of_the_same_key_is_replaced() -> None:
    key = a_key()
    await object_store.put(key, b"old")
    await object_store.put(key, b"new")
    assert await read(key, 0, 3) == b"new"


async def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        await read(a_key())


async def test_a_file_can_be_forgotten_twice() -> None:
    key = a_key()
    await object_store.put(key, b"x")
    await object_store.delete(key)
    await object_store.delete(key)
    with pytest.raises(NotFound):
        await read(key)


async def test_files_lie_in_the_data_folder_unless_a_bucket_is_named() -> None:
    key = a_key()
    await object_store.put(key, b"x")
    assert (settings().data_dir / "objects" / key).read_bytes() == b"x"
