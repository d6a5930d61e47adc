import pytest

from trading_assets.domain.ids import Month
from trading_assets.evaluation.labels import initials, run_name, span, title
from trading_assets.strategies.spec import SHIPPED_SPECS, load_specs
from trading_assets.strategies.spec_sections import SizingSpec

METRICS = {"num_trades": 20, "win_rate": 0.75, "net_pnl": 3.614, "sharpe": 1.27}


@pytest.fixture(scope="module")
def specs():
    return load_specs([SHIPPED_SPECS], symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"))


def test_ui_02_the_title_is_the_one_of_the_seed_documents(specs):
    assert title(specs["ib_risk1"], METRICS) == (
        "IB • Risk 1% • 10k • fees 2bps • 20 trades • WR 0.75 • PnL +3.61"
    )
    assert " • Fixed 1 • " in title(specs["ib_fixed1"], METRICS)
    assert " • Pos 10% • " in title(specs["ib_pos10pct"], METRICS)


@pytest.mark.parametrize(
    ("sizing", "words"),
    [
        ({"mode": "atr", "risk_pct": 2}, "ATR risk 2%"),
        ({"mode": "vol_target", "target_vol_pct": 15}, "Vol 15%"),
        ({"mode": "kelly", "kelly_pct": 50, "win_rate_pct": 55, "payoff": 2}, "Kelly 50%"),
        ({"mode": "risk_parity", "pos_pct": 25}, "Parity 25%"),
    ],
)
def test_every_way_to_size_is_said_with_its_number(specs, sizing, words):
    spec = specs["ib_risk1"]
    sized = spec.model_copy(update={"sizing": SizingSpec(**sizing)})

    assert f" • {words} • " in title(sized, METRICS)


def test_the_run_name_says_spec_market_span_and_result(specs):
    months = [Month(2024, 1), Month(2024, 2), Month(2024, 3)]
    assert run_name(specs["ib_risk1"], months, METRICS) == (
        "ib_risk1 | SOLUSDT 5m | 2024-01..03 | fees 2bps | 20 trades | SR 1.3"
    )
    assert "3 symbols 5m" in run_name(specs["ema_trend"], months, METRICS)


def test_what_is_not_defined_is_a_dash(specs):
    nothing = {"num_trades": 0, "win_rate": None, "net_pnl": 0.0, "sharpe": None}
    assert title(specs["ib_risk1"], nothing).endswith("0 trades • WR - • PnL +0.00")
    assert run_name(specs["ib_risk1"], [Month(2024, 1)], nothing).endswith("SR -")


def test_spans_are_as_short_as_they_can_be():
    assert span([Month(2024, 3)]) == "2024-03"
    assert span([Month(2018, 2), Month(2025, 1)]) == "2018-02..2025-01"
    assert initials("forecast_driven") == "FD"
