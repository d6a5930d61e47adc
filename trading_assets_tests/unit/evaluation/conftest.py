from dataclasses import replace

import numpy as np
import pytest

from trading_assets.declarations.sections import Gate
from trading_assets.evaluation.gates import (
    Capital,
    Check,
    Examination,
    ProfitShares,
    Returns,
    RunEvidence,
    Thresholds,
    Trials,
)
from trading_assets.settings import load_settings

DAY = 86_400_000_000
START = 19_358 * DAY  # 2023-01-01


def _returns(mean, deviation=0.01, days=300, seed=1):
    noise = np.random.default_rng(seed).normal(0.0, deviation, days)
    values = noise - noise.mean() + mean
    return Returns(START + np.arange(days) * DAY, values, 365.0)


def _examination(**changes):
    held = np.random.default_rng(9).normal(0.0, 0.02, 300)
    usual = {
        "unimpaired": 0.21,
        "stressed": {"dearer": 0.1, "late": 0.15},
        "neighbours": {"fast -": 0.18, "fast +": 0.19},
        "capacity": (Capital(1e5, 0.2, 0.1), Capital(1e6, 0.19, 0.9), Capital(1e7, 0.1, 9.0)),
        "benchmarks": {"cash": np.zeros(300), "buy_and_hold": held},
        "variants": None,
        "evidence": {"examination.json": "examinations/ema_trend/r1/e1/examination.json#22"},
    }
    return Examination(**{**usual, **changes})


GOOD = {
    "spec": "ema_trend",
    "spec_hash": "a" * 64,
    "run_id": "r1",
    "metrics": {"num_trades": 200, "net_return_pct": 4.0, "max_drawdown_pct": 8.0},
    "oos": {"num_trades": 80, "net_return_pct": 1.5, "cagr_pct": 20.0},
    "order_types": ("MARKET",),
    "fill_rules": {"fill_at": "next_open", "size_at": "close"},
    "costs": {"half_spread_bps": "1", "impact_bps": "10", "slippage_bps": "0"},
    "checks": (Check("bars", passed=True), Check("signals_know_no_future", passed=True)),
    "models": {},
    "pins_complete": True,
    "model_skill": {},
    "reproductions": (True,),
    "stale": (),
    "evidence": {"metrics.json": "runs/ema_trend/r1/metrics.json#00"},
    "returns": _returns(0.002),
    "profit": ProfitShares(winners=40.0, month=0.2, symbol=0.5),
    "trials": Trials("ema_trend", count=1, known=1, variance=None, head="f" * 64),
    "examination": _examination(),
}


@pytest.fixture
def make_run():
    def make(**changes):
        return RunEvidence(**{**GOOD, **changes})

    return make


@pytest.fixture
def returns():
    return _returns


@pytest.fixture
def examination():
    return _examination


@pytest.fixture
def thresholds(tmp_path):
    """The defaults, as every desk has them."""
    gate = load_settings(environ={"TA_HOME": str(tmp_path)}).settings.gate
    assert isinstance(gate, Gate)
    return replace(Thresholds(**gate.model_dump()), bootstrap_draws=300)
