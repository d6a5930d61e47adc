"""Live signals are the batch's signals, to the last bit, in every month and however they come."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.ids import Month
from trading_assets.features.anchor import anchor
from trading_assets.features.core import CORE
from trading_assets.live.signal_desk import PinnedModel, SignalDesk
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, between
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.evaluate import month_signals, signal_rows, with_forecasts
from trading_assets.strategies.forecast_driven import ForecastDriven

BAR = 5 * MINUTE
MONTH = Month.from_text("2024-04")


class LinearModel:
    """Predicts from two features; as deterministic as the real one, and as row-wise."""

    def __init__(self):
        self.rows = 0

    def predict(self, features):
        known = features.drop_nulls()
        self.rows += known.height
        return known.select(
            "ts",
            "symbol",
            pl.lit("1h").alias("horizon"),
            (pl.col("z_score_1d") * -1e-3).alias("prediction"),
            pl.lit(None, dtype=pl.Float64).alias("confidence"),
            pl.lit("m").alias("model_id"),
            pl.concat_str(pl.lit("m."), pl.col("ts").dt.epoch("us")).alias("forecast_id"),
        )


@pytest.fixture(scope="module")
def bars():
    """Give 5m bars from mid February to the third of April, with a hole."""
    ts = np.arange(MONTH.start - 45 * DAY, MONTH.start + 3 * DAY, BAR)
    ts = ts[(ts < MONTH.start - DAY) | (ts > MONTH.start - DAY + 7 * BAR)]
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, ts.size)))
    opened = np.concatenate([[100.0], close[:-1]])
    volume = rng.integers(1, 1000, ts.size) / 100
    columns = {
        "ts": ts,
        "symbol": ["SOLUSDT"] * ts.size,
        "open": opened,
        "high": np.maximum(opened, close) * 1.0005,
        "low": np.minimum(opened, close) * 0.9995,
        "close": close,
        "volume": volume,
        "quote_volume": volume * close,
        "n_trades": rng.integers(1, 50, ts.size),
        "source": ["test"] * ts.size,
        "n_minutes": [5] * ts.size,
        "complete": [True] * ts.size,
    }
    return pl.DataFrame(columns, schema=RESAMPLED_SCHEMA)


def _batch(strategy, bars, month, model=None):
    """Evaluate a whole month as a backtest does."""
    frame, ids = bars, {}
    if model is not None:
        start = SignalDesk(strategy, PinnedModel(model, CORE)).history_start(month)
        parts = []
        for each in (month.shift(-1), month):
            first = anchor(each, CORE.warm_up)
            part = CORE.compute(bars.filter(between(max(first, start), each.end)))
            parts.append(model.predict(part.filter(between(each.start, each.end))))
        forecasts = pl.concat(parts)
        frame = with_forecasts(bars, forecasts, "1h")
        ids = dict(
            zip(forecasts["ts"].to_physical().to_list(), forecasts["forecast_id"], strict=True)
        )
    rows = signal_rows("SOLUSDT", strategy.family, month_signals(strategy, frame, month), ids)
    return {row.ts: row for row in rows}


def _live(strategy, bars, first, last, step, model=None):
    """Feed the desk `step` bars at a time and collect the rows of [first, last)."""
    desk = SignalDesk(strategy, None if model is None else PinnedModel(model, CORE))
    start = desk.history_start(Month.of(first))
    desk.append("SOLUSDT", bars.filter(between(start, first)))
    found = {}
    todo = bars.filter(between(first, last))
    for place in range(0, todo.height, step):
        part = todo.slice(place, step)
        desk.append("SOLUSDT", part)
        instants = part["ts"].to_physical().to_list()
        found |= {ts: row for ts, (row,) in desk.rows("SOLUSDT", instants).items()}
        desk.forget_before(Month.of(instants[-1]))
    return found


@pytest.mark.parametrize("step", [1, 7])
@pytest.mark.parametrize("strategy", [EmaTrend(), ForecastDriven(entry_bps=1.0)], ids=["ema", "fc"])
def test_live_rows_across_a_month_are_the_rows_of_the_batch(bars, strategy, step):
    first, last = MONTH.start - 20 * BAR, MONTH.start + 20 * BAR
    model = LinearModel() if strategy.horizon else None
    live = _live(strategy, bars, first, last, step, model)
    batch = _batch(strategy, bars, MONTH.shift(-1), model) | _batch(strategy, bars, MONTH, model)

    assert len(live) == 40
    for ts, row in live.items():
        assert row.row_hash == batch[ts].row_hash
        assert row.forecast_id == batch[ts].forecast_id
    assert any(not math.isnan(value) for row in live.values() for value in row.values)


def test_a_forecast_is_computed_once(bars):
    model = LinearModel()
    first = MONTH.start + DAY
    _live(ForecastDriven(), bars, first, first + 10 * BAR, 1, model)

    assert model.rows == 288 + 10


def test_rows_that_are_not_there_are_left_out(bars):
    desk = SignalDesk(EmaTrend())

    assert desk.rows("SOLUSDT", [MONTH.start]) == {}
    desk.append("SOLUSDT", bars.filter(between(MONTH.start - 20 * DAY, MONTH.start)))
    hole = MONTH.start - DAY + BAR
    assert set(desk.rows("SOLUSDT", [hole, MONTH.start - BAR])) == {MONTH.start - BAR}


def test_the_bars_of_a_long_run_lie_in_few_pieces_of_memory(bars):
    desk = SignalDesk(EmaTrend(fast=3, slow=9))
    for place in range(200):
        desk.append("SOLUSDT", bars[place : place + 1].clone())

    held = desk.bars("SOLUSDT", bars["ts"].to_physical()[0], MONTH.end)

    assert held.equals(bars[:200])
    assert held.n_chunks() <= 16
