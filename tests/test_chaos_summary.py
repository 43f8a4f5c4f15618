"""The table at the end of the long suite adds up the runs of a fault, whatever process they ran in."""

import pytest

from tests.chaos.ledger import Verdict
from tests.chaos.scenario import Outcome
from tests.chaos.summary import SAID, SEEN, figures, lines


def outcome(acknowledged: int, unacknowledged: dict[str, int], seconds: float, lost: tuple[str, ...] = ()) -> Outcome:
    deliveries = acknowledged + sum(unacknowledged.values())
    first = Verdict(deliveries, acknowledged, unacknowledged, seconds, seconds / 2, lost, (), (), ())
    return Outcome(first, first, sum(unacknowledged.values()), lost, {}, seconds)


def report(*shown: tuple[str, object]) -> pytest.TestReport:
    return pytest.TestReport("test", ("test", 1, "test"), {}, "passed", None, "teardown", user_properties=shown)


def test_the_runs_of_a_fault_are_one_row() -> None:
    first, second = outcome(1000, {"503": 3}, 2.0), outcome(900, {"503": 1, "broken": 2}, 8.0, ("SM1",))
    table = list(lines([report((SEEN, figures("killed", first))), report((SEEN, figures("killed", second)))]))
    assert table[2:] == ["| killed | 2 | 1,906 | 1,900 | 4 503, 2 broken | 4.0 | 8.0 | 1 | 0 | 0 | 6: 1 |"]
    assert {line.count("|") for line in table} == {12}


def test_each_fault_has_its_row_and_sentences_follow() -> None:
    reports = [
        report((SAID, "nothing found"), (SEEN, figures("killed", outcome(9, {}, 1)))),
        report((SEEN, figures("frozen", outcome(9, {}, 1)))),
        report(("of another plugin", 1)),
    ]
    assert [line.split(" |")[0] for line in list(lines(reports))[2:]] == ["| frozen", "| killed", "nothing found"]


def test_where_nothing_was_seen_nothing_is_shown() -> None:
    assert list(lines([report()])) == []
