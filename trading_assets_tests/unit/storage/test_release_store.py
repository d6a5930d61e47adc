from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConflictError, CorruptFile, MissingPartition
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.storage.release_store import (
    ReleaseStore,
    instrument_from_plain,
    instrument_to_plain,
)
from trading_assets.strategies.spec import parse_spec

SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
SPEC = parse_spec(
    "{name: mine, strategy: ema_trend, symbols: [SOLUSDT], cash: 10000,"
    " sizing: {mode: pct_of_equity, pos_pct: 30}}",
    where="test",
)


def facts(decision="d" * 64):
    return {
        "spec": "mine",
        "spec_hash": SPEC.spec_hash,
        "decision_id": decision,
        "order_types": ["MARKET"],
        "instruments": [instrument_to_plain(SOL)],
        "models": {"1h": {"model_id": "m", "booster": "models/1h.txt"}},
    }


FILES = {"spec.yaml": SPEC.canonical_yaml().encode(), "models/1h.txt": b"tree"}


@pytest.fixture
def store(tmp_path):
    return ReleaseStore(tmp_path / "releases")


def test_a_release_is_read_back_as_it_was_published(store):
    release, is_new = store.publish("paper", facts(), FILES, after=None)
    assert is_new
    assert store.current("paper") == store.require("paper") == store.get(release.release_id)
    assert release.spec.spec_hash == SPEC.spec_hash
    assert release.instruments == (SOL,)
    assert release.order_types == {OrderType.MARKET}
    assert release.decision_id == "d" * 64
    assert release.file(release.models["1h"]["booster"]) == b"tree"


def test_a_decision_is_one_release_however_often_it_is_published(store):
    first, _ = store.publish("paper", facts(), FILES, after=None)
    again, is_new = store.publish("paper", facts(), FILES, after=None)
    assert (again.release_id, is_new) == (first.release_id, False)
    second, _ = store.publish("paper", facts("e" * 64), FILES, after=first.release_id)
    store.publish("paper", facts(), FILES, after=None)
    assert store.current("paper").release_id == second.release_id
    ledger = [(entry["release_id"], entry["previous"]) for entry in store.history("paper")]
    assert ledger == [(first.release_id, None), (second.release_id, first.release_id)]


def test_a_decision_that_saw_another_champion_is_refused(store):
    first, _ = store.publish("paper", facts(), FILES, after=None)
    with pytest.raises(ConflictError, match="Decide again"):
        store.publish("paper", facts("e" * 64), FILES, after=None)
    assert store.current("paper").release_id == first.release_id


@pytest.mark.parametrize("name", ["spec.yaml", "release.json", "models/1h.txt"])
def test_one_flipped_byte_is_found_on_load(store, name):
    release, _ = store.publish("paper", facts(), FILES, after=None)
    path = release.folder / name
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptFile):
        store.current("paper")
    with pytest.raises(CorruptFile):
        store.get(release.release_id)


def test_what_is_not_there_is_said(store):
    assert store.current("paper") is None
    with pytest.raises(MissingPartition, match="no release"):
        store.require("paper")
    for name in ("0" * 16, "../x"):
        with pytest.raises(MissingPartition):
            store.get(name)


def test_instruments_survive_as_text():
    assert instrument_from_plain(instrument_to_plain(SOL)) == SOL


def test_an_instrument_with_a_listing_survives_and_one_from_before_listings_is_read():
    spy = Instrument("SPY", "SPY", "USD", Decimal("0.01"), Decimal(1), listed=7, delisted=9)
    plain = instrument_to_plain(spy)
    assert plain["listed"] == "7"
    assert instrument_from_plain(plain) == spy
    older = {name: value for name, value in plain.items() if name not in ("listed", "delisted")}
    assert instrument_from_plain(older).listed is None
    assert "listed" not in instrument_to_plain(SOL)


def test_the_release_before_becomes_current_again_by_an_entry_of_its_own(store):
    first, _ = store.publish("paper", facts(), FILES, after=None)
    second, _ = store.publish("paper", facts("e" * 64), FILES, after=first.release_id)

    back = store.roll_back("paper", reason="fills too late", by="ada")

    assert back.release_id == first.release_id == store.current_id("paper")
    said = store.history("paper")[-1]["rolled_back"]
    assert said == {"reason": "fills too late", "by": "ada", "as_of": None}
    store.publish("paper", facts("e" * 64), FILES, after=first.release_id)
    assert store.current_id("paper") == first.release_id  # the same decision does not undo it
    third, _ = store.publish("paper", facts("f" * 64), FILES, after=first.release_id)
    assert store.roll_back("paper", reason="again", by="ada").release_id == first.release_id
    assert third.release_id != second.release_id


def test_without_a_release_before_there_is_nothing_to_go_back_to(store):
    with pytest.raises(MissingPartition, match="no release to go back to"):
        store.roll_back("paper", reason="x", by="y")
    store.publish("paper", facts(), FILES, after=None)
    with pytest.raises(MissingPartition, match="no release to go back to"):
        store.roll_back("paper", reason="x", by="y")
