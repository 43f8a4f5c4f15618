"""The state of the simulated Twilio: tables in memory, every change appended to a journal that is replayed at start."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from tenant_portal.simulator.stand_in.records import KINDS, Record, now

Kind = TypeVar("Kind", bound=Record)


class Store:
    """Records by kind, account and SID, and files by name. One process at a time may use a folder."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._files.mkdir(parents=True, exist_ok=True)
        # By account first, so that no lookup by SID can forget whose record it wants.
        self._tables: dict[str, dict[str, dict[str, Record]]] = {name: {} for name in KINDS}
        path = folder / "journal.jsonl"
        self._replay(path)
        self._journal = self._compact(path)

    def put(self, record: Kind) -> Kind:
        """Add a record or replace its older version."""
        self._apply(record)
        self._write(self._journal, record)
        # To the kernel, not to the disk: it outlives a kill of this process, a power cut may cost the last second.
        self._journal.flush()
        return record

    def change(self, record: Kind, **fields: object) -> Kind:
        """Put a new version of a record with these fields changed."""
        return self.put(record.model_copy(update={**fields, "updated_at": now()}))

    def get(self, kind: type[Kind], account_sid: str, sid: str) -> Kind | None:
        """The record, if this account owns it."""
        # isinstance is for the type checker; the tables never mix kinds.
        found = self._tables[kind.__name__].get(account_sid, {}).get(sid)
        return found if isinstance(found, kind) else None

    def all(self, kind: type[Kind], account_sid: str | None = None) -> list[Kind]:
        """Records of one account, or of all, oldest first within an account."""
        table = self._tables[kind.__name__]
        owners = list(table) if account_sid is None else [account_sid]
        return [one for owner in owners for one in table.get(owner, {}).values() if isinstance(one, kind)]

    def delete(self, record: Record) -> None:
        """Forget a record."""
        name = type(record).__name__
        self._tables[name].get(record.account_sid, {}).pop(record.sid, None)
        self._journal.write(json.dumps({"delete": name, "account_sid": record.account_sid, "sid": record.sid}) + "\n")
        self._journal.flush()

    def save_file(self, name: str, content: bytes) -> str:
        """Keep a file; returns its name."""
        (self._files / name).write_bytes(content)
        return name

    def read_file(self, name: str) -> bytes:
        """A kept file."""
        return (self._files / name).read_bytes()

    def delete_file(self, name: str) -> None:
        """Forget a file."""
        (self._files / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Stop writing."""
        self._journal.close()

    def _apply(self, record: Record) -> None:
        self._tables[type(record).__name__].setdefault(record.account_sid, {})[record.sid] = record

    def _replay(self, path: Path) -> None:
        for entry in _entries(path):
            if "put" in entry:
                self._apply(KINDS[entry["put"]].model_validate(entry["record"]))
            else:
                self._tables[entry["delete"]].get(entry["account_sid"], {}).pop(entry["sid"], None)

    def _compact(self, path: Path) -> IO[str]:
        # Every change of a record is a line; without this the journal would grow with all traffic there ever was.
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            for table in self._tables.values():
                for records in table.values():
                    for record in records.values():
                        self._write(file, record)
        # A kill before this line leaves the old journal, after it the new one; never half of one.
        draft.replace(path)
        return path.open("a", encoding="utf-8")

    @staticmethod
    def _write(file: IO[str], record: Record) -> None:
        file.write(f'{{"put":"{type(record).__name__}","record":{record.model_dump_json()}}}\n')


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    # As bytes: a kill can cut a character in two, and text would also break at U+2028, which a lead may write.
    for line in path.read_bytes().split(b"\n"):
        if not line:
            continue
        try:
            yield json.loads(line)
        except ValueError:
            # A kill in the middle of a write leaves half a line at the end; nobody was told that it had happened.
            return
