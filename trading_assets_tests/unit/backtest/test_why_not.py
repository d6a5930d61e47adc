"""Every opportunity has traded or has one reason: the counts add up exactly."""

import dataclasses

import polars as pl
import pytest

from trading_assets import Backtest
from trading_assets.backtest.why_not import why_not
from trading_assets.domain.errors import InvariantError
from trading_assets.records.codes import Verdict

GRID = {"tick": "0.01", "lot": "0.001"}


def spec(strategy, params, sizing, **sections):
    return {
        "name": "counted", "strategy": strategy, "params": params, "symbols": ["AAA", "BBB"],
        "cash": 1000, "sizing": sizing, "costs": {"fees_bps": 10, "slippage_bps": 5}, **sections,
    }  # fmt: skip


SPECS = [
    spec("ema_trend", {"fast": 3, "slow": 9}, {"mode": "pct_of_equity", "pos_pct": 45}),
    spec("ema_trend", {"fast": 3, "slow": 9}, {"mode": "pct_of_equity", "pos_pct": 90}),
    spec(
        "inside_bar",
        {"tick": 0.01, "min_range_bps": 0.0, "trend_bars": 6},
        {"mode": "risk", "risk_pct": 1, "max_pos_pct": 40},
        limits={"max_orders_per_day": 2, "daily_loss_bps": 50},
    ),
    spec(
        "inside_bar",
        {"tick": 0.01, "min_range_bps": 0.0, "trend_bars": 6},
        {"mode": "fixed", "qty": 4},
        limits={"max_order_notional": 300},
    ),
]


@pytest.mark.parametrize("values", SPECS)
def test_reasons_and_trades_are_all_opportunities(walks, values):
    result = Backtest(values, walks, **GRID).run()

    counted = result.why_not

    closes = sum(frame.height for frame in walks.values())
    assert counted.opportunities == closes
    assert counted.traded + sum(counted.reasons.values()) == closes
    assert counted.traded > 10
    refused = result.refusals.group_by("rule").len().rows()
    assert dict(refused) == {
        name: counted.reasons[name] for name in counted.reasons if name in dict(refused)
    }


def test_an_order_that_never_filled_says_what_ended_it(walks):
    reasons = Backtest(SPECS[2], walks, **GRID).run().why_not.reasons

    assert reasons["max_orders_per_day"] > 0
    assert any(name.startswith("unfilled_") for name in reasons)
    assert list(reasons.values()) == sorted(reasons.values(), reverse=True)


def test_an_order_beyond_a_cap_is_reported_with_bar_and_symbol(walks):
    result = Backtest(SPECS[3], walks, **GRID).run()

    rows = result.refusals.filter(pl.col("rule") == "max_order_notional")
    assert rows.height == result.why_not.reasons["max_order_notional"] > 0
    assert (rows["was"] > 300).all()
    assert (rows["limit"] == 300).all()
    assert set(rows["symbol"]) <= {"AAA", "BBB"}
    assert rows["ts_utc"].is_in(walks["AAA"]["ts"].implode()).all()


WRONG_SIDE = """
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import polars as pl

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily


@dataclass(frozen=True)
class WrongSide:
    name: ClassVar = "wrong_side"
    family: ClassVar = SignalFamily.BRACKET
    horizon: ClassVar = None
    order_types: ClassVar = frozenset({OrderType.STOP})
    warm_up: ClassVar = timedelta()

    def signals(self, frame):
        entry = pl.when(pl.int_range(pl.len()) % 50 == 0).then((pl.col("high") + 1).round(2))
        return frame.select("ts", long_entry=entry, sl_long=entry + 2)
"""


def test_a_stop_on_the_wrong_side_is_reported_with_bar_and_symbol(walks, tmp_path, monkeypatch):
    (tmp_path / "stop_above_entry.py").write_text(WRONG_SIDE)
    monkeypatch.setenv("TA_STRATEGIES_DIR", str(tmp_path))
    values = spec("stop_above_entry:WrongSide", {}, {"mode": "fixed", "qty": 1})

    result = Backtest(values, walks, **GRID).run()

    assert result.num_trades == 0
    assert result.refusals["rule"].unique().to_list() == ["bad_bracket"]
    wanted = sum(-(-frame.height // 50) for frame in walks.values())
    assert result.why_not.reasons["bad_bracket"] == result.refusals.height == wanted


MOODY = """
from dataclasses import dataclass

from trading_assets.domain.intents import TargetIntent
from trading_assets_tests.stand_ins.asked import Restless


@dataclass(frozen=True)
class Moody(Restless):
    def signals(self, frame):
        import polars as pl

        return frame.select("ts", wish=(pl.int_range(pl.len()) * 7 % 16).cast(pl.Float64))
"""


@pytest.mark.parametrize("cash", [1000, 40])
def test_strategies_that_are_asked_are_counted_as_exactly(walks, tmp_path, monkeypatch, cash):
    (tmp_path / "moody.py").write_text(MOODY)
    monkeypatch.setenv("TA_STRATEGIES_DIR", str(tmp_path))
    values = spec("moody:Moody", {}, {"mode": "pct_of_equity", "pos_pct": 60}, profile="margin")

    result = Backtest({**values, "cash": cash}, walks, tick="0.01", lot="0.1").run()

    counted = result.why_not
    assert counted.traded + sum(counted.reasons.values()) == sum(f.height for f in walks.values())
    assert counted.traded > 100
    assert result.refusals.height > 0


def test_counts_that_do_not_agree_are_a_bug_and_said(walks):
    log = Backtest(SPECS[0], walks, **GRID).run().log
    verdicts = {**log.verdicts, Verdict.NO_SIGNAL: log.verdicts[Verdict.NO_SIGNAL] + 1}

    with pytest.raises(InvariantError, match="Not every opportunity"):
        why_not(dataclasses.replace(log, verdicts=verdicts))
