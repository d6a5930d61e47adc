from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.errors import ConflictError, CorruptFile, MissingPartition
from trading_assets.domain.ids import Month, sha256_hex
from trading_assets.forecasting.booster import Booster, train_booster
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.confidence import JudgedConfidence
from trading_assets.forecasting.trainer import TrainedModel
from trading_assets.market.bar_frame import TS
from trading_assets.storage import model_store as module
from trading_assets.storage import pointers
from trading_assets.storage.model_store import ModelStore

_MONTH = Month(2024, 2)
_FEATURES = ("volatility_1d", "two")
_CARD = {"card.md": b"# card\n", "card.json": b"{}", "card.png": b"\x89PNG"}


def _model(seed: int = 7, horizon: str = "1h", month: Month = _MONTH) -> TrainedModel:
    draw = np.random.default_rng(0)
    x = np.abs(draw.normal(size=(1_000, 2)))
    text = train_booster(
        x,
        x[:, 1] + draw.normal(size=1_000),
        names=_FEATURES,
        params={"seed": seed, "extra_trees": True},
        rounds=5,
        threads=1,
    )
    bundle = ModelBundle(
        month=month,
        horizon=horizon,
        symbols=("SOLUSDT",),
        features=_FEATURES,
        features_code_version="f" * 64,
        scale="volatility_1d",
        dataset="d" * 64,
        params={"seed": seed},
        shrinkage=0.5,
        calibration=None,
        booster_sha256=sha256_hex(text.encode()),
        code_version="c" * 64,
    )
    verdict = JudgedConfidence(None, 0.25, 0.25, 10, "Not published.")
    return TrainedModel(bundle, text, 1_000, {}, (), verdict, {})


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return _model()


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def _publish(store: ModelStore, model: TrainedModel, **changes):
    facts = {"inputs": "i" * 64, "parents": {"a/b": "c"}, "card": _CARD, "summary": {"rows": 3}}
    return store.publish(model, **(facts | changes))


def _rows() -> pl.DataFrame:
    return pl.DataFrame(
        {"ts": [0, 1], "symbol": ["SOLUSDT"] * 2, "volatility_1d": [0.1, 0.2], "two": [1.0, 2.0]}
    ).with_columns(pl.col("ts").cast(TS))


def test_a_stored_model_predicts_the_same_bits(store, model):
    stored, is_new = _publish(store, model)
    assert is_new
    loaded = store.load(store.require(_MONTH, "1h"))
    assert loaded.model_id == stored.model_id == model.bundle.model_id
    assert loaded.predict(_rows()).equals(model.forecaster().predict(_rows()))


def test_publishing_the_same_again_writes_nothing(store, model):
    stored, _ = _publish(store, model)
    again, is_new = _publish(store, model)
    assert (again, is_new) == (stored, False)
    assert len(store.history(_MONTH, "1h")) == 1
    other, is_new = _publish(store, model, summary={"rows": 4})
    assert (other.n, is_new, other.model_id) == (2, True, stored.model_id)


def test_a_replaced_model_is_still_found_by_its_id(store, model):
    first, _ = _publish(store, model)
    second, _ = _publish(store, _model(seed=8))
    assert store.require(_MONTH, "1h") == second
    assert store.get(first.model_id) == first
    assert store.load(store.get(first.model_id)).model_id == first.model_id
    with pytest.raises(MissingPartition, match="no model abc"):
        store.get("abc")


def test_horizons_and_months_stand_apart(store, model):
    _publish(store, model)
    _publish(store, _model(horizon="4h"))
    _publish(store, _model(month=Month(2024, 3)))
    assert store.months() == (Month(2024, 2), Month(2024, 3))
    assert store.current(Month(2024, 3), "4h") is None
    assert store.require(_MONTH, "4h").horizon == "4h"
    assert store.require(_MONTH, "1h").address == "forecast_model/1h/2024-02"


def test_a_model_stands_while_its_inputs_and_files_do(store, model):
    assert store.standing(_MONTH, "1h", inputs="i" * 64) is None
    stored, _ = _publish(store, model)
    assert store.standing(_MONTH, "1h", inputs="i" * 64) == stored
    assert store.standing(_MONTH, "1h", inputs="j" * 64) is None
    store.path(stored, stored.booster).unlink()
    assert store.standing(_MONTH, "1h", inputs="i" * 64) is None


def test_one_flipped_bit_is_found_before_anything_is_parsed(store, model, monkeypatch):
    stored, _ = _publish(store, model)
    monkeypatch.setattr(module, "Booster", None)  # nothing may get that far
    monkeypatch.setattr(module, "probe_model", None)
    for name in (stored.booster, stored.document):
        path = store.path(stored, name)
        data = path.read_bytes()
        path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
        with pytest.raises(CorruptFile, match=name):
            store.load(stored)
        assert [fault for fault in store.verify().faults if name in str(fault)]
        path.write_bytes(data)
    assert store.verify().faults == ()


def test_a_missing_model_says_what_to_do(store):
    with pytest.raises(MissingPartition, match="models train 2024-02"):
        store.require(_MONTH, "1h")
    assert store.months() == ()
    assert store.verify().files == 0


def test_a_child_goes_first_only_where_none_has_been(store, model, monkeypatch):
    calls = []
    true = module.probe_model

    def watch(path, sha256):
        calls.append(path.name)
        return true(path, sha256)

    monkeypatch.setattr(module, "probe_model", watch)
    stored, _ = _publish(store, model)
    assert calls == [stored.booster]
    store.load(stored)
    assert len(calls) == 1
    monkeypatch.setattr(module, "lightgbm_version", lambda: "99.0")
    store.load(stored)
    assert len(calls) == 2


def test_a_model_that_says_other_things_than_its_child_is_refused(store, model, monkeypatch):
    monkeypatch.setattr(module, "probe_model", lambda _path, _sha256: "0" * 64)
    with pytest.raises(CorruptFile, match="predicts differently"):
        _publish(store, model)
    assert store.current(_MONTH, "1h") is None


def test_a_file_that_kills_its_child_is_not_published(store, model):
    text = model.booster_text[: len(model.booster_text) // 2]
    bundle = replace(model.bundle, booster_sha256=sha256_hex(text.encode()))
    with pytest.raises(CorruptFile, match="cannot be loaded"):
        _publish(store, replace(model, bundle=bundle, booster_text=text))
    assert store.current(_MONTH, "1h") is None


def test_trees_of_another_document_are_refused(store, model):
    stored, _ = _publish(store, model)
    other = _model(seed=8).booster_text.encode()
    path = pointers.write_immutable(
        store.path(stored, stored.booster).parent, "booster-1h", ".txt", other
    )
    probe = {**stored.probe, "predictions": module.predictions_hash(Booster(other.decode()))}
    mixed = replace(
        stored,
        booster=path.name,
        files={**stored.files, path.name: sha256_hex(other)},
        probe=probe,
    )
    with pytest.raises(CorruptFile, match="not its own"):
        store.load(mixed)


def test_two_writers_cannot_both_win(store, model, monkeypatch):
    _publish(store, model)
    true = ModelStore.current

    def race(own, month, horizon):
        before = true(own, month, horizon)
        monkeypatch.setattr(ModelStore, "current", true)
        _publish(own, model, summary={"rows": 5})
        return before

    monkeypatch.setattr(ModelStore, "current", race)
    with pytest.raises(ConflictError):
        _publish(store, model, summary={"rows": 6})
    assert store.require(_MONTH, "1h").summary == {"rows": 5}
