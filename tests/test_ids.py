"""Row ids."""

from concurrent.futures import ThreadPoolExecutor

from tenant_portal.models.ids import uuid7


def test_ids_of_one_process_rise() -> None:
    ids = [uuid7() for _ in range(5000)]
    assert ids == sorted(set(ids))


def test_an_id_says_that_it_is_version_7() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_threads_do_not_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: uuid7(), range(2000)))
    assert len(set(ids)) == 2000
