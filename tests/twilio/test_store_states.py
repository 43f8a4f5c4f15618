"""Whatever is put, changed and deleted, a restart brings back exactly what was there."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tenant_portal.simulator.stand_in.records import OptOut
from tenant_portal.simulator.stand_in.store import Store
from tenant_portal.simulator.stand_in.webhooks import overrides_of

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
accounts = st.sampled_from(["AC1", "AC2"])
sids = st.sampled_from(["a", "b", "c"])


class StoreMachine(RuleBasedStateMachine):
    """A store beside a plain dictionary that does the same."""

    records = Bundle("records")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self._folder.name))
        self.model: dict[tuple[str, str], str] = {}

    @rule(target=records, account=accounts, sid=sids, text=texts)
    def put(self, account: str, sid: str, text: str) -> OptOut:
        self.model[account, sid] = text
        return self.store.put(OptOut(sid=sid, account_sid=account, number="1", phone=text))

    @rule(record=records, text=texts)
    def change(self, record: OptOut, text: str) -> None:
        self.model[record.account_sid, record.sid] = text
        self.store.change(record, phone=text)

    @rule(record=records)
    def delete(self, record: OptOut) -> None:
        self.model.pop((record.account_sid, record.sid), None)
        self.store.delete(record)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store(Path(self._folder.name))

    @rule(half=st.binary(max_size=20))
    def crash_in_the_middle_of_a_line(self, half: bytes) -> None:
        self.store.close()
        journal = Path(self._folder.name) / "journal.jsonl"
        journal.write_bytes(journal.read_bytes() + b'{"put":"OptOut",' + half.replace(b"\n", b""))
        self.store = Store(Path(self._folder.name))

    @rule(text=texts)
    def keep_a_file(self, text: str) -> None:
        name = self.store.save_file("file", text.encode())
        assert self.store.read_file(name) == text.encode()
        self.store.delete_file(name)

    @invariant()
    def holds_what_the_dictionary_holds(self) -> None:
        found = {(one.account_sid, one.sid): one.phone for one in self.store.all(OptOut)}
        assert found == self.model
        for (account, sid), text in self.model.items():
            record = self.store.get(OptOut, account, sid)
            assert record is not None
            assert record.phone == text

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestStoreStates = StoreMachine.TestCase


@given(st.text(max_size=40))
def test_any_fragment_gives_limits_within_twilios(fragment: str) -> None:
    found = overrides_of("https://portal.example.com/x#" + fragment)
    assert 0 <= found.repeats <= 5
    assert 0.1 <= found.connect_seconds <= 10
    assert 0.1 <= found.read_seconds <= 15
    assert 0.1 <= found.total_seconds <= 15


@given(st.sampled_from(["rc", "ct", "rt", "tt"]), st.text(st.characters(categories=("Nd", "No", "Nl")), max_size=4))
def test_a_number_of_any_script_is_read_or_left_out(name: str, number: str) -> None:
    assert overrides_of(f"https://portal.example.com/x#{name}={number}").repeats <= 5
