import pytest

from trading_assets.evaluation.gates import Check, RunEvidence, Thresholds

GOOD = {
    "spec": "ema_trend",
    "spec_hash": "a" * 64,
    "run_id": "r1",
    "metrics": {"num_trades": 200, "net_return_pct": 4.0},
    "oos": {"num_trades": 80, "net_return_pct": 1.5, "cagr_pct": 20.0},
    "order_types": ("MARKET",),
    "fill_rules": {"fill_at": "next_open", "size_at": "close"},
    "costs": {"half_spread_bps": "1", "impact_bps": "10", "slippage_bps": "0"},
    "checks": (Check("bars", passed=True), Check("causal", passed=True)),
    "models": {},
    "pins_complete": True,
    "model_skill": {},
    "reproductions": (True,),
    "stale": (),
    "evidence": {"metrics.json": "runs/ema_trend/r1/metrics.json#00"},
}


@pytest.fixture
def make_run():
    def make(**changes):
        return RunEvidence(**{**GOOD, **changes})

    return make


@pytest.fixture
def thresholds():
    return Thresholds(
        min_trades=100, min_oos_trades=30, min_net_return_pct=0.0, min_improvement_pct=0.0
    )
