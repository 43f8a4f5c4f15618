"""The judge of the long suite (tests/chaos) sees each fault that it is there to see."""

import pytest

from tests.chaos.ledger import ANSWERED, BROKEN, REFUSED, SILENT, Answer, Parcel, judge

ACME, GLOBEX = "AC1", "AC2"


def answer(sid: str, status: int = 200, how: str = ANSWERED, account: str = ACME, at: float = 0.0) -> Answer:
    return Answer(Parcel(sid, account, b""), how, status, at, 0.1)


def test_what_was_answered_and_is_there_is_clean() -> None:
    verdict = judge([answer("SM1"), answer("SM2", account=GLOBEX)], [(ACME, "SM1"), (GLOBEX, "SM2")])
    assert verdict.is_clean
    assert (verdict.deliveries, verdict.acknowledged) == (2, 2)


def test_an_acknowledged_message_that_is_not_there_is_lost() -> None:
    assert judge([answer("SM1"), answer("SM2", 503)], []).lost == ("SM1",)


def test_one_that_only_another_tenant_has_is_lost_and_misplaced() -> None:
    verdict = judge([answer("SM1")], [(GLOBEX, "SM1")])
    assert (verdict.lost, verdict.misplaced) == (("SM1",), ("SM1",))


@pytest.mark.parametrize("rows", [[(ACME, "SM1")] * 2, [(ACME, "SM1"), (GLOBEX, "SM1")]])
def test_two_rows_of_one_message_are_a_double(rows: list[tuple[str, str]]) -> None:
    assert judge([answer("SM1"), answer("SM1")], rows).doubled == ("SM1",)


def test_a_row_that_nobody_sent_is_misplaced() -> None:
    assert judge([], [(ACME, "SM9")]).misplaced == ("SM9",)


@pytest.mark.parametrize("status", [302, 400, 403, 404])
def test_an_answer_after_which_twilio_does_not_come_again_is_a_fault(status: int) -> None:
    assert judge([answer("SM1", status)], []).never_repeated == ("SM1",)


def test_what_twilio_repeats_may_be_there_or_not() -> None:
    answers = [
        answer("SM1", 500),
        answer("SM2", 429),
        answer("SM3", 0, BROKEN),
        answer("SM4", 0, REFUSED),
        answer("SM5", 0, SILENT),
    ]
    verdict = judge(answers, [(ACME, "SM3")])
    assert verdict.is_clean
    assert verdict.unacknowledged == {"500": 1, "429": 1, "broken": 1, "refused": 1, "silent": 1}


def test_a_repeat_that_is_acknowledged_makes_the_message_one_that_must_be_there() -> None:
    assert judge([answer("SM1", 503), answer("SM1", 200)], []).lost == ("SM1",)


def test_the_longest_gap_is_between_two_acknowledgements() -> None:
    answers = [answer("SM1", at=0), answer("SM2", 503, at=1), answer("SM3", at=5), answer("SM4", at=6)]
    assert judge(answers, []).longest_gap == pytest.approx(5)
