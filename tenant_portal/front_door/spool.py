"""The spool: verified or not yet verifiable requests, sealed on local disk while the database is away.

One append-only file per outage and process, named by time, held by a lock that ends with the process; the next process
adopts what a dead one left. A record counts only once it is synced: length (4 bytes), then the sealed request.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenant_portal.crypto import CannotOpen, Place, seal, unseal_bytes
from tenant_portal.front_door.batcher import Batcher
from tenant_portal.front_door.metrics import SPOOL_RECORDS, SPOOLED
from tenant_portal.front_door.received import Received
from tenant_portal.models.ids import uuid7

SUFFIX = ".spool"
BROKEN = ".broken"
DRAFT = ".draft"
LENGTH_BYTES = 4
MAX_BYTES = 512 * 1024 * 1024
MAX_UNVERIFIED_BYTES = 32 * 1024 * 1024
MOST_RECORDS = 512
PRIVATE = 0o600
log = logging.getLogger(__name__)


class SpoolFull(Exception):
    """The request cannot be kept here; it must be answered so that Twilio comes again."""


@dataclass(slots=True)
class SpoolFile:
    """A file this process holds the lock of. `size` counts synced records only."""

    path: Path
    handle: int
    size: int

    @property
    def place(self) -> Place:
        """What its records are bound to: a record copied into another file does not open."""
        return Place("spool", "record", None, self.path.name)

    def append(self, records: Sequence[bytes]) -> None:
        """Write and sync all of them, or none: what a full disk cut off is taken back."""
        data = b"".join(len(record).to_bytes(LENGTH_BYTES) + record for record in records)
        try:
            written = os.write(self.handle, data)
            if written != len(data):
                raise OSError("the disk is full")
            os.fsync(self.handle)
        except OSError:
            os.ftruncate(self.handle, self.size)
            os.lseek(self.handle, self.size, os.SEEK_SET)
            raise
        self.size += len(data)

    def chunks(self, most: int) -> Iterator[list[Received]]:
        """Every request that was kept, some at a time; CannotOpen only after all that lies before the bad one."""
        chunk: list[Received] = []
        try:
            for record in self.records():
                chunk.append(record)
                if len(chunk) == most:
                    yield chunk
                    chunk = []
        except CannotOpen:
            yield chunk
            raise
        yield chunk

    def records(self) -> Iterator[Received]:
        """Every request that was kept. A tail that was cut off was never acknowledged, and is left out."""
        with self.path.open("rb") as file:
            while len(length := file.read(LENGTH_BYTES)) == LENGTH_BYTES:
                record = file.read(int.from_bytes(length))
                # After a power failure the tail may have its length but zeros for content.
                if not record or len(record) < int.from_bytes(length):
                    return
                yield _opened(record, self.place)

    def settled(self) -> None:
        """All of it is in the database or in quarantine."""
        self.path.unlink(missing_ok=True)
        os.close(self.handle)


class Spool:
    """The spool of one process, in a folder that the processes of one host share."""

    def __init__(
        self, folder: Path, max_bytes: int = MAX_BYTES, max_unverified_bytes: int = MAX_UNVERIFIED_BYTES
    ) -> None:
        self._folder = folder
        self._left = max_bytes
        self._left_unverified = max_unverified_bytes
        self._limits = (max_bytes, max_unverified_bytes)
        self._open: SpoolFile | None = None
        self._closed: SpoolFile | None = None
        self._pending: list[SpoolFile] = []
        self._count = 0
        self._batcher: Batcher[bytes, None] = Batcher(self._write, MOST_RECORDS)

    @property
    def size(self) -> int:
        """Bytes of everything that waits here."""
        return sum(file.size for file in (*self._pending, *([self._open] if self._open else [])))

    @property
    def broken(self) -> int:
        """How many files of this folder were set aside."""
        return sum(1 for _ in self._folder.glob(f"*{BROKEN}"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits on this host, whichever process keeps it."""
        return next(self._files(), None) is None

    async def keep(self, received: Received, *, verified: bool) -> None:
        """Return once it is on disk. SpoolFull: it is not."""
        data = received.to_bytes()
        if len(data) > self._left or (not verified and len(data) > self._left_unverified):
            raise SpoolFull
        try:
            await self._batcher.submit(data)
        except OSError as error:
            raise SpoolFull(str(error)) from error
        self._left -= len(data)
        self._left_unverified -= 0 if verified else len(data)

    async def _write(self, items: Sequence[bytes]) -> list[None]:
        await asyncio.to_thread(self._append, items)
        self._count += len(items)
        SPOOLED.inc(len(items))
        SPOOL_RECORDS.set(self._count)
        return [None] * len(items)

    def _append(self, items: Sequence[bytes]) -> None:
        if self._open is None:
            self._open = _create(self._folder)
        place = self._open.place
        self._open.append([seal(item, place) for item in items])

    def take(self) -> list[SpoolFile]:
        """Everything to be flushed, oldest first: what this process closed, and what dead processes left."""
        # One closed file at a time: asked twice a second, a long outage would use up this process's descriptors.
        if self._open is not None and self._closed not in self._pending and not self._batcher.is_busy:
            self._pending.append(self._open)
            self._closed, self._open = self._open, None
        held = {file.path for file in self._pending}
        if self._open is not None:
            held.add(self._open.path)
        self._pending += _adopt(path for path in self._files() if path not in held)
        return sorted(self._pending, key=lambda file: file.path.name)

    def is_next(self, file: SpoolFile) -> bool:
        """Whether no other process of this host keeps an older file than this one of ours."""
        held = {ours.path for ours in self._pending}
        return not any(path.name < file.path.name and path not in held for path in self._files())

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"*{SUFFIX}")

    def settled(self, file: SpoolFile) -> None:
        """Forget a file whose records are all settled."""
        file.settled()
        self._forget(file)

    def set_aside(self, file: SpoolFile, why: CannotOpen) -> None:
        """A file that does not open (its key is gone) must not block the others; it stays for whoever finds the key."""
        log.error("a spool file was set aside: %s", why.message, extra={"file": file.path.name})
        file.path.rename(file.path.with_suffix(BROKEN))
        os.close(file.handle)
        self._forget(file)

    def _forget(self, file: SpoolFile) -> None:
        self._pending.remove(file)
        if not self._pending and self._open is None:
            self._count = 0
            self._left, self._left_unverified = self._limits
            SPOOL_RECORDS.set(0)

    def park(self, records: Sequence[Received]) -> None:
        """Keep aside what cannot enter for reasons of its own: it was acknowledged, and holds up nobody else there."""
        file = _create(self._folder)
        file.append([seal(record.to_bytes(), file.place) for record in records])
        self._pending.append(file)
        self.set_aside(file, CannotOpen(f"{len(records)} requests can be kept nowhere else."))

    def close(self) -> None:
        """Let go of the files, so that the next process can adopt them."""
        for file in (*self._pending, *([self._open] if self._open else [])):
            os.close(file.handle)
        self._pending, self._open = [], None


def _opened(record: bytes, place: Place) -> Received:
    data = unseal_bytes(record, place)
    try:
        return Received.from_bytes(data)
    except (KeyError, TypeError, ValueError) as error:
        # Another version of the portal kept it, with fields that this one does not know.
        raise CannotOpen("A record of the spool has an unknown form.") from error


def _create(folder: Path) -> SpoolFile:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid7()}{SUFFIX}"
    draft = path.with_suffix(DRAFT)
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Under its name only once it is locked: a process that looks for orphans would adopt it.
    draft.rename(path)
    # The file's own sync does not cover its name.
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return SpoolFile(path, handle, 0)


def _adopt(paths: Iterator[Path]) -> Iterator[SpoolFile]:
    for path in paths:
        try:
            handle = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        # Its owner may have settled and removed it between the listing and the lock.
        if path.exists():
            yield SpoolFile(path, handle, os.fstat(handle).st_size)
        else:
            os.close(handle)
