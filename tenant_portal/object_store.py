"""Where files are kept: a folder of the data directory, or an S3-compatible bucket by PORTAL_OBJECT_STORE_URL.

Keys start with the tenant's id, so one tenant's files are one prefix.
"""

from collections.abc import AsyncIterator
from functools import lru_cache
from uuid import UUID

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from tenant_portal.config import settings
from tenant_portal.errors import NotFound, PortalError

CHUNK_BYTES = 256 * 1024


class StoreUnavailable(PortalError):
    """The object store does not answer; nothing was lost, try later."""

    def __init__(self) -> None:
        super().__init__("The file store cannot be reached at the moment.", permanent=False)


def key_of(tenant_id: UUID, file_id: UUID) -> str:
    """The key of a tenant's file."""
    return f"{tenant_id}/{file_id}"


async def put(key: str, content: bytes) -> None:
    """Keep a file; one of the same key is replaced."""
    try:
        await _store().put_async(key, content)
    except (BaseError, OSError) as error:
        raise StoreUnavailable from error


async def read(key: str, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `start` up to, not including, `end`, in chunks; NotFound if there is no such file."""
    try:
        found = await _store().get_async(key, options={"range": (start, end)})
        async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(chunk)
    except FileNotFoundError:
        raise NotFound("This file does not exist.") from None
    except BaseError as error:
        raise StoreUnavailable from error


async def size_of(key: str) -> int:
    """How many bytes a file has; NotFound if there is none."""
    try:
        return int((await _store().head_async(key))["size"])
    except FileNotFoundError:
        raise NotFound("This file does not exist.") from None
    except BaseError as error:
        raise StoreUnavailable from error


async def delete(key: str) -> None:
    """Forget a file; it is done as well if it was already gone."""
    try:
        await _store().delete_async(key)
    except FileNotFoundError:
        return
    except BaseError as error:
        raise StoreUnavailable from error


@lru_cache
def _store() -> ObjectStore:
    if settings().object_store_url:
        return from_url(settings().object_store_url)
    return LocalStore(prefix=settings().data_dir.absolute() / "objects", mkdir=True)
