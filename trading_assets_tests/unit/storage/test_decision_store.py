import pytest

from trading_assets.domain.errors import ConfigurationError, CorruptFile, MissingPartition
from trading_assets.evaluation.decision import Decision
from trading_assets.storage.decision_store import DecisionStore


def decision(reason="first", book="paper"):
    return Decision(
        {
            "schema": 1,
            "book": book,
            "verdict": "hold",
            "basis": "gate",
            "candidate": None,
            "rules": [],
            "reason": reason,
        }
    )


@pytest.fixture
def store(tmp_path):
    return DecisionStore(tmp_path)


def test_a_decision_is_found_by_its_id_and_by_the_beginning_of_it(store):
    assert store.record(decision())
    made = decision()
    for name in (made.decision_id, made.decision_id[:8], made.decision_id[:20]):
        assert store.get(name) == made
    assert store.current("paper") == made
    assert store.books() == ("paper",)


def test_the_same_decision_again_writes_nothing(store):
    store.record(decision())
    assert not store.record(decision())
    assert len(store.history("paper")) == 1


def test_the_newest_decision_counts_and_all_are_kept(store):
    for reason in ("first", "second", "first"):
        store.record(decision(reason))
    reasons = [made.document["reason"] for made in store.history("paper")]
    assert reasons == ["first", "second", "first"]
    assert store.current("paper").document["reason"] == "first"


def test_what_is_not_there_or_not_one_is_said(store):
    assert store.current("paper") is None
    store.record(decision())
    for name in ("0" * 64, "abc", "../../etc", decision().decision_id[:20] + "f" * 44):
        with pytest.raises((MissingPartition, CorruptFile)):
            store.get(name)
    with pytest.raises(ConfigurationError):
        store.current("../paper")


def test_an_altered_document_is_refused(store, tmp_path):
    store.record(decision())
    path = next(tmp_path.rglob("document-*.json"))
    path.write_bytes(decision("forged").payload)
    with pytest.raises(CorruptFile):
        store.current("paper")
