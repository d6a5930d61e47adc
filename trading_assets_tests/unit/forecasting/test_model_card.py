import json
from dataclasses import replace

from trading_assets.domain.ids import sha256_hex
from trading_assets.forecasting.model_card import beats_baselines, model_card, model_summary


def test_the_card_says_what_the_model_is_and_how_it_did(model):
    card = model_card(model)
    assert set(card) == {"card.md", "card.json", "card.png", "baselines.json"}
    text = card["card.md"].decode()
    assert text.startswith("# Forecast model 1h for 2024-03")
    assert model.bundle.model_id in text
    assert model.confidence.reason in text
    assert set(json.loads(card["baselines.json"])) == {"zero", "mean", "ridge", "arx", "ewma"}
    assert f"card-1h-{sha256_hex(card['card.png'])[:16]}.png" in text
    assert card["card.png"].startswith(b"\x89PNG")
    assert "| stated | came true | forecasts |" in text
    summary = json.loads(card["card.json"])
    assert summary["scores"]["model"] == model.scores["model"]
    assert summary["confidence"]["published"] is True
    assert summary == json.loads(json.dumps(model_summary(model)))


def test_the_card_is_the_same_bytes_again(model):
    assert model_card(model) == model_card(model)


def test_a_model_without_confidence_says_why(model):
    verdict = replace(model.confidence, calibration=None, reason="Not published, since: numbers.")
    text = model_card(replace(model, confidence=verdict))["card.md"].decode()
    assert "Not published, since: numbers." in text


def test_a_model_must_beat_every_baseline(model):
    """The market of these tests is a straight line, which trees with few leaves tell worse."""
    assert not beats_baselines(model.scores)
    text = model_card(model)["card.md"].decode()
    assert "is NOT smaller than that of every baseline (not below: ridge)" in text
    assert "## Purpose and limits" in text
    error = {"rmse": 2 * model.scores["model"]["rmse"]}
    beaten = {name: of if name == "model" else {**of, **error} for name, of in model.scores.items()}
    assert beats_baselines(beaten)
    assert "is smaller than" in model_card(replace(model, scores=beaten))["card.md"].decode()
    for rival in ("zero", "mean", "ridge", "arx", "ewma"):
        assert not beats_baselines({**beaten, rival: {**error, "rmse": 0.0}})


def test_a_model_that_could_not_be_tested_has_a_card_too(model):
    verdict = replace(model.confidence, calibration=None, curve=None, briers={}, rows=0)
    bare = replace(model, scores={}, stretches=(), confidence=verdict)
    assert not beats_baselines(bare.scores)
    assert model_card(bare)["card.png"]
