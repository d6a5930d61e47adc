"""What a decision is told of the features: proven, leaking by name, or unknown."""

from dataclasses import replace

import pytest

from trading_assets.domain.ids import Month, Symbol
from trading_assets.evaluation.gates import Check
from trading_assets.features.core import CORE
from trading_assets.features.momentum import MOMENTUM
from trading_assets.workflows.decide import decide
from trading_assets.workflows.feature_evidence import features_know_no_future
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec

FEBRUARY = Month(2024, 2)
BITCOIN = Symbol("BTCUSDT")
LEAKING = replace(
    CORE,
    features=(replace(CORE.features[0], make=lambda col: col.close.shift(-1)), *CORE.features[1:]),
)


@pytest.fixture
def built(desk):
    """One month of features, as the code before the leak made and proved it."""
    bars = desk.tables.read("bars_5m", BITCOIN, FEBRUARY)
    desk.tables.publish(
        CORE.table,
        BITCOIN,
        FEBRUARY,
        CORE.compute(bars),
        code_version=CORE.code_version,
        parents={},
        extra={"source": "embedded", "look_ahead": {"cuts": 12, "seed": 7, "leaks": 0}},
    )
    return desk


def test_no_partition_is_no_proof(desk):
    assert features_know_no_future(desk, MOMENTUM).passed is None


def test_partitions_of_the_present_code_are_proof(built):
    found = features_know_no_future(built)
    assert (found.name, found.passed) == ("features_5m.knows_no_future", True)


def test_a_leaking_feature_is_named_and_nothing_is_promoted(built):
    evidence = features_know_no_future(built, LEAKING)
    assert evidence.passed is False
    assert evidence.detail.startswith("return_5m: ")
    assert "features_5m/BTCUSDT/2024-02" in evidence.detail
    run_backtest(built, find_spec(built.settings, "ema_trend"))
    assert decide(built, "paper", checks=[replace(evidence, passed=True)]).verdict == "promote"
    refused = decide(built, "paper", checks=[evidence])
    assert refused.verdict == "hold"
    rule = next(row for row in refused.rules if row["rule"] == "knows_no_future")
    assert rule["value"]["red"] == [evidence.name]
    unknown = Check(evidence.name, passed=None, detail="")
    assert decide(built, "paper", checks=[unknown]).verdict == "hold"
