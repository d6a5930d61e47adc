import json

import numpy as np
import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, sha256_hex
from trading_assets.forecasting.booster import train_booster
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.confidence import JudgedConfidence
from trading_assets.forecasting.model_card import model_card, model_summary
from trading_assets.forecasting.trainer import TrainedModel
from trading_assets.interfaces.cli import models
from trading_assets.storage.model_store import ModelStore


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project folder with one small model."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    x = np.random.default_rng(0).normal(size=(500, 1))
    text = train_booster(x, x[:, 0], names=["volatility_1d"], params={}, rounds=2, threads=1)
    bundle = ModelBundle(
        month=Month(2024, 2),
        horizon="1h",
        symbols=("SOLUSDT",),
        features=("volatility_1d",),
        features_code_version="f" * 64,
        scale="volatility_1d",
        dataset="d" * 64,
        params={"seed": 7},
        shrinkage=0.5,
        calibration=None,
        booster_sha256=sha256_hex(text.encode()),
        code_version="c" * 64,
    )
    verdict = JudgedConfidence(None, 0.25, 0.25, 10, "Not published: numbers.")
    model = TrainedModel(bundle, text, 500, {}, (), verdict, {"volatility_1d": 1.0})
    ModelStore(tmp_path / "data" / "models").publish(
        model, inputs="i" * 64, parents={}, card=model_card(model), summary=model_summary(model)
    )
    return tmp_path


def _run(*arguments: str):
    return CliRunner().invoke(models.app, arguments)


def test_models_are_listed_shown_and_verified(home):
    listed = _run("list")
    assert "2024-02" in listed.stdout
    assert "null" in listed.stdout
    card = _run("card", "2024-02")
    assert card.exit_code == 0, card.output
    assert "Forecast model 1h for 2024-02" in card.stdout
    facts = json.loads(_run("card", "2024-02", "1h", "--json").stdout)
    assert facts["confidence"]["reason"] == "Not published: numbers."
    assert "0 faults" in _run("verify").stdout


def test_a_damaged_model_fails_the_verification(home):
    trees = next((home / "data" / "models").rglob("booster-*.txt"))
    trees.write_bytes(trees.read_bytes() + b"\n")
    told = _run("verify")
    assert told.exit_code == 1
    assert trees.name in told.output


def test_what_is_missing_is_an_error_of_ours(home):
    missing = _run("card", "2024-03")
    assert isinstance(missing.exception, MissingPartition)
    assert isinstance(_run("train", "2024-01").exception, DataError)
    assert isinstance(_run("forecast", "2024-03").exception, MissingPartition)
    assert isinstance(_run("train", "spring").exception, DataError)
