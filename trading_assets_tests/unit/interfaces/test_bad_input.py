"""Bad input at the front door: refused, or counted and logged with bar time and symbol."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.setup import SignalFamily
from trading_assets.interfaces.python_api import Backtest

ROW = 77
TIME = r"SOLUSDT at 2024-03-01 01:17:00\+00:00"
STEPS = {"tick": "0.01", "lot": "0.001"}


def with_value(frame, column, value):
    at = pl.int_range(pl.len()) == ROW
    changed = pl.when(at).then(pl.lit(value)).otherwise(pl.col(column))
    return frame.with_columns(changed.alias(column))


def with_row_twice(frame):
    return pl.concat([frame.head(ROW + 1), frame.slice(ROW)])


def with_row_back(frame):
    return pl.concat([frame.head(ROW), frame.slice(ROW + 1, 1), frame.slice(ROW, 1)])


@pytest.mark.parametrize(
    ("spoiled", "rule"),
    [
        (lambda f: with_value(f, "close", float("nan")), "missing or not finite"),
        (lambda f: with_value(f, "low", -1.0), "not positive"),
        (lambda f: with_value(f, "high", 1.0), "high is below its low"),
        (with_row_twice, "time comes twice"),
        (with_row_back, "time goes back"),
        (lambda f: with_value(f, "volume", -1.0), "volume is negative"),
    ],
)
def test_a_bad_bar_is_refused_with_symbol_and_time(spec_text, minutes, spoiled, rule):
    with pytest.raises(DataError, match=f"{TIME}: .*{rule}"):
        Backtest(spec_text, spoiled(minutes), **STEPS)


@pytest.mark.parametrize("zero", ["tick", "lot"])
def test_a_step_of_zero_is_refused_by_its_name(spec_text, minutes, zero):
    with pytest.raises(ConfigurationError, match=zero):
        Backtest(spec_text, minutes, **{**STEPS, zero: "0"})


def test_bars_without_volume_fill_nothing_under_participation(spec_text, minutes):
    spec = spec_text + "rules: {participation_pct: 10}\n"
    result = Backtest(spec, minutes.with_columns(volume=pl.lit(0.0)), **STEPS).run()

    assert result.fills.height == 0
    assert result.orders.height > 0  # asked for, and told how it ended
    assert result.final_equity == 10_000


class Signals:
    """A strategy that gives what it was made with."""

    name = "spoiled"
    warm_up = timedelta()
    horizon = None
    order_types: frozenset = frozenset()

    def __init__(self, family, answer):
        self.family = family
        self.signals = answer


def run_with(backtest, answer, family=SignalFamily.TARGET):
    backtest.prepared = replace(backtest.prepared, strategy=Signals(family, answer))
    return backtest.run()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda f: f.select("ts", target=pl.lit("long")), "column target is not a number"),
        (lambda f: f.select("ts", target=pl.lit(1.0)).head(9), "breaks its protocol"),
        (lambda f: f.select("ts", targt=pl.lit(1.0)), "breaks its protocol"),
        (lambda f: f.select("ts", target=pl.lit(float("inf"))), "SOLUSDT at .* is infinite"),
        (lambda _: None, "breaks its protocol"),
    ],
)
def test_signals_of_a_wrong_type_or_length_are_refused(spec_text, minutes, answer, problem):
    with pytest.raises(DataError, match=problem):
        run_with(Backtest(spec_text, minutes, **STEPS), answer)


def test_an_order_above_a_limit_is_logged_with_time_and_symbol(spec_text, minutes):
    spec = spec_text + "limits: {max_order_notional: 50}\n"
    result = Backtest(spec, minutes, **STEPS).run()

    assert result.fills.height == 0
    refused = result.refusals
    assert refused.height == result.why_not.reasons["max_order_notional"] > 0
    assert set(refused["symbol"]) == {"SOLUSDT"}
    assert refused["ts_utc"].null_count() == 0


def test_a_stop_on_the_wrong_side_is_logged_with_time_and_symbol(minutes):
    spec = """
name: brackets
strategy: inside_bar_breakout
symbols: [SOLUSDT]
cash: 10000
sizing: {mode: fixed, qty: 1}
"""
    backtest = Backtest(spec, minutes, **STEPS)

    def wrong(frame):
        at = pl.col("close")
        return frame.select("ts", long_entry=at + 1, sl_long=at + 2, tp_long=at + 3)

    result = run_with(backtest, wrong, SignalFamily.BRACKET)

    assert result.fills.height == 0
    assert result.refusals.height == result.why_not.reasons["bad_bracket"] == 5 * 24 * 12
    assert set(result.refusals["symbol"]) == {"SOLUSDT"}
