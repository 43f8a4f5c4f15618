"""The spool keeps what it acknowledged, in order, sealed, for whoever comes next."""

import asyncio
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenant_portal.crypto import CannotOpen
from tenant_portal.front_door.received import Received
from tenant_portal.front_door.spool import Spool, SpoolFull


def request(number: int = 0, size: int = 10) -> Received:
    return Received("sms", f"/api/webhooks/sms/{number}", "account=AC1", b"x" * size, "signature")


def paths(spool: Spool) -> list[str]:
    """What lies in the spool, oldest first."""
    return [record.path.rpartition("/")[2] for file in spool.take() for record in file.records()]


async def test_what_is_kept_comes_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await asyncio.gather(*(spool.keep(request(number), verified=True) for number in range(100)))
    assert paths(spool) == [str(number) for number in range(100)]
    assert not spool.is_empty


async def test_a_request_comes_back_as_it_was(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    original = Received("status", "/a%20b", "x=%2B", bytes(range(256)), None, True, "203.0.113.7", {"message_id": "é"})
    await spool.keep(original, verified=False)
    (back,) = [record for file in spool.take() for record in file.records()]
    assert back.received_at is not None
    assert (back.path, back.query, back.body, back.ids) == (original.path, original.query, original.body, original.ids)
    assert (back.message_id, back.signature, back.names_shared_key) == (original.message_id, None, True)


async def test_nothing_readable_lies_on_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.keep(Received("sms", "/canary-path", "", b"canary-body", "canary-signature"), verified=True)
    (file,) = tmp_path.iterdir()
    assert b"canary" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


async def test_the_next_process_adopts_what_a_dead_one_left(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    await dead.keep(request(1), verified=True)
    alive = Spool(tmp_path)
    assert paths(alive) == []
    dead.close()
    assert paths(alive) == ["1"]


async def test_what_was_cut_off_by_a_crash_does_not_hide_the_rest(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    for number in range(3):
        await dead.keep(request(number), verified=True)
    dead.close()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for cut in (1, 5, len(whole) // 4):
        file.write_bytes(whole[:-cut])
        next_one = Spool(tmp_path)
        assert paths(next_one) == ["0", "1"]
        next_one.close()


async def test_an_outage_of_any_length_costs_two_files(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(40):
        await spool.keep(request(number), verified=True)
        spool.take()
    assert len(list(tmp_path.iterdir())) == 2
    (first,) = spool.take()
    assert [record.path.rpartition("/")[2] for record in first.records()] == ["0"]
    spool.settled(first)
    assert paths(spool) == [str(number) for number in range(1, 40)]


async def test_a_settled_file_is_gone_and_gives_its_room_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=600)
    await spool.keep(request(), verified=True)
    with pytest.raises(SpoolFull):
        await spool.keep(request(size=600), verified=True)
    for file in spool.take():
        spool.settled(file)
    assert list(tmp_path.iterdir()) == []
    assert spool.is_empty
    await spool.keep(request(), verified=True)


async def test_what_is_not_verified_may_fill_only_a_part(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_unverified_bytes=600)
    await spool.keep(request(), verified=False)
    with pytest.raises(SpoolFull):
        await spool.keep(request(size=300), verified=False)
    await spool.keep(request(size=300), verified=True)


@pytest.fixture
def small_files() -> Iterator[None]:
    """A limit on file size, as a full disk would be: the write is cut off in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_said_so_and_spoils_nothing(tmp_path: Path, small_files: None) -> None:
    spool = Spool(tmp_path)
    await spool.keep(request(1), verified=True)
    with pytest.raises(SpoolFull):
        await spool.keep(request(2, size=4000), verified=True)
    await spool.keep(request(3), verified=True)
    assert paths(spool) == ["1", "3"]


async def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(SpoolFull):
        await Spool(tmp_path / "spool").keep(request(), verified=True)


async def test_a_file_that_does_not_open_is_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.keep(request(), verified=True)
    (file,) = spool.take()
    file.path.write_bytes(file.path.read_bytes()[:-1] + b"\0")
    with pytest.raises(CannotOpen) as error:
        list(file.records())
    spool.set_aside(file, error.value)
    assert spool.take() == []
    assert [path.suffix for path in tmp_path.iterdir()] == [".broken"]


async def test_setting_the_last_file_aside_gives_its_room_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=600)
    await spool.keep(request(), verified=True)
    (file,) = spool.take()
    spool.set_aside(file, CannotOpen("no key"))
    assert spool.is_empty
    await spool.keep(request(size=100), verified=True)


async def test_zeros_after_a_power_failure_do_not_hide_what_was_synced(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.keep(request(1), verified=True)
    (file,) = spool.take()
    with file.path.open("ab") as tail:
        tail.write(bytes(5000))
    assert paths(spool) == ["1"]


async def test_what_lies_before_a_bad_record_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        await spool.keep(request(number), verified=True)
    with monkeypatch.context() as newer:
        newer.setattr(Received, "to_bytes", lambda _: b'{"kind": "sms", "a_field_of_tomorrow": 1}')
        await spool.keep(request(3), verified=True)
    (file,) = spool.take()
    chunks = file.chunks(2)
    assert [len(next(chunks)), len(next(chunks))] == [2, 1]
    with pytest.raises(CannotOpen, match="unknown form"):
        next(chunks)


async def test_what_has_no_place_is_parked_and_can_be_taken_up_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.park([request(1), request(2)])
    assert spool.take() == []
    (file,) = tmp_path.iterdir()
    file.rename(file.with_suffix(".spool"))
    assert paths(spool) == ["1", "2"]


async def test_processes_that_look_for_orphans_do_not_get_in_the_way(tmp_path: Path) -> None:
    other, stop = Spool(tmp_path), False

    def look() -> None:
        while not stop:
            other.take()

    looking = asyncio.create_task(asyncio.to_thread(look))
    try:
        for number in range(200):
            spool = Spool(tmp_path)
            await spool.keep(request(number), verified=True)
            for file in spool.take():
                spool.settled(file)
    finally:
        stop = True
        await looking
    other.close()


async def test_a_record_moved_to_another_file_does_not_open(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.keep(request(), verified=True)
    spool.close()
    (file,) = tmp_path.iterdir()
    os.rename(file, tmp_path / "other.spool")
    with pytest.raises(CannotOpen):
        paths(Spool(tmp_path))


async def test_what_another_process_keeps_is_seen_and_goes_first(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    assert second.is_empty
    await first.keep(request(), verified=True)
    await second.keep(request(), verified=True)
    (older,), (newer,) = first.take(), second.take()
    assert (first.is_next(older), second.is_next(newer)) == (True, False)
    first.settled(older)
    assert second.is_next(newer)
    assert not second.is_empty
    second.settled(newer)
    assert first.is_empty
