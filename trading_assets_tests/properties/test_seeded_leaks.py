"""Ten seeded leaks, as features and as signals: all are caught, and nothing honest is accused.

`pytest -s trading_assets_tests/properties/test_seeded_leaks.py` prints the counts.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.anchor import anchor
from trading_assets.features.look_ahead import find_look_ahead
from trading_assets.features.registry import SHIPPED
from trading_assets.market.bar_frame import between
from trading_assets.market.resample import resample
from trading_assets.strategies.evaluate import evaluate
from trading_assets.strategies.protocol import memory
from trading_assets.strategies.spec import SHIPPED_SPECS, load_specs
from trading_assets_tests.stand_ins.made_up_market import made_up_bars

CLOSE, DAY = pl.col("close"), pl.col("ts").dt.truncate("1d")
RETURN = CLOSE.log().diff()
FIRST = Month(2024, 1)
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
REAL = Path(os.environ.get("ORACLE_DATA", "../shared")) / (
    "data/binance/spot/parquet/BTCUSDT_1m_2022-10_2023-09.parquet"
)


def resample_label(bars):
    """The close of an hour, found under the hour's beginning."""
    hours = bars.group_by_dynamic("ts", every="1h").agg(hour=CLOSE.last())
    return bars.join_asof(hours, on="ts", strategy="backward")["hour"] / bars["close"] - 1


def target_leak(bars):
    """A slope that was fitted on returns still to come."""
    columns = bars.select(x=RETURN.fill_null(0.0), y=(CLOSE.shift(-12) / CLOSE).log())
    known = columns.drop_nulls()
    slope = float((known["x"] * known["y"]).sum() / (known["x"] ** 2).sum())
    return columns["x"] * slope


def join_without_lag(bars):
    """The day's own close, joined by date."""
    days = bars.group_by(DAY.alias("day"), maintain_order=True).agg(daily=CLOSE.last())
    return bars.with_columns(day=DAY).join(days, on="day", how="left")["daily"] / bars["close"] - 1


def of(expression):
    return lambda bars: bars.select(expression).to_series()


LEAKS = {
    "centred window": of(CLOSE / CLOSE.rolling_mean(13, center=True) - 1),
    "z-score of the whole sample": of((CLOSE - CLOSE.mean()) / CLOSE.std()),
    "shift(-1)": of(CLOSE.shift(-1) / CLOSE - 1),
    "resample label": resample_label,
    "forward fill from the future": of(pl.when(RETURN > 1e-3).then(RETURN).backward_fill()),
    "scaler fitted on all": of((RETURN - RETURN.min()) / (RETURN.max() - RETURN.min())),
    "target leak": target_leak,
    "join on date without lag": join_without_lag,
    "max of the day": of(CLOSE / pl.col("high").max().over(DAY) - 1),
    "calendar leak": of(
        # Before a hole in the bars: known only from the bar that does not come.
        (pl.col("ts").diff().shift(-1) > timedelta(minutes=5)).fill_null(value=False)
    ),
}


@dataclass(frozen=True)
class Leaking:
    """A strategy whose target follows a leak."""

    leak: str
    name = "leaking"
    family = SignalFamily.TARGET
    warm_up = timedelta(hours=2)
    horizon = None
    order_types = frozenset({OrderType.MARKET})

    def signals(self, frame):
        return frame.select("ts", target=LEAKS[self.leak](frame).cast(pl.Float64).tanh())


def market(months, seed, start=FIRST):
    """Bars of 5m over some months: fat tails, a rhythm of volume, and now and then a hole."""
    draw = np.random.default_rng(seed)
    begin = anchor(start, timedelta(days=10))
    n = (start.shift(months - 1).end - begin) // (5 * MINUTE)
    bars = made_up_bars(draw, begin, n)
    holes = np.zeros(n, bool)
    for begin_of_hole in draw.integers(4000, n, size=months):
        holes[begin_of_hole : begin_of_hole + draw.integers(1, 60)] = True
    return bars.filter(~pl.Series(holes))


def real_market():
    """The year of BTCUSDT that lies beside this repository."""
    minutes = pl.read_parquet(REAL).select(
        ts="open_time",
        symbol=pl.lit("BTCUSDT"),
        open="open",
        high="high",
        low="low",
        close="close",
        volume="volume",
        quote_volume=pl.col("volume") * CLOSE,
        n_trades=pl.col("count").cast(pl.Int64),
        source=pl.lit("archive"),
    )
    return resample(minutes.sort("ts"), Timeframe.M5)


def shipped_strategies():
    """Every shipped and example spec, by name, with the filters that it declares."""
    symbols = tuple(map(Symbol, ("BTCUSDT", "ETHUSDT", "SOLUSDT")))
    specs = load_specs([SHIPPED_SPECS, EXAMPLES], symbols=symbols)
    return {name: spec.build_strategy() for name, spec in specs.items()}


def with_what_specs_ask_for(bars):
    forecast = RETURN.fill_null(0.0)
    return bars.with_columns(
        prediction=forecast,
        confidence=0.5 + forecast.abs().clip(0.0, 0.4),
        member=pl.lit(value=True),
        rank=pl.lit(1, pl.Int64),
        news=pl.lit(value=False),
    )


def false_alarms(bars, months):
    """Give what is accused of shipped sets and specs, and how many columns were looked at."""
    found, looked_at = [], 0
    computations = {
        name: (one.compute, one.warm_up, len(one.columns)) for name, one in SHIPPED.items()
    }
    for name, strategy in shipped_strategies().items():
        columns = len(evaluate(strategy, with_what_specs_ask_for(bars.head(600))).columns) - 1
        computations[name] = (
            lambda rows, strategy=strategy: evaluate(strategy, with_what_specs_ask_for(rows)),
            memory(strategy),
            columns,
        )
    for month in months:
        for name, (compute, warm_up, columns) in computations.items():
            frame = bars.filter(between(anchor(month, warm_up), month.end))
            looked_at += columns
            leaks = find_look_ahead(compute, frame, seed=month.start % 1000)
            found += [f"{name} {month} {leak}" for leak in leaks]
    return found, looked_at


@pytest.mark.parametrize("leak", LEAKS)
def test_a_seeded_leak_is_caught_as_a_feature_and_as_a_signal(leak):
    bars = market(1, seed=len(leak))

    def features(rows):
        return rows.select("ts", honest=CLOSE.rolling_mean(12), leaking=LEAKS[leak](rows))

    for seed in range(3):
        assert [one.column for one in find_look_ahead(features, bars, seed=seed)] == ["leaking"]
        signals = find_look_ahead(lambda rows: evaluate(Leaking(leak), rows), bars, seed=seed)
        assert [one.column for one in signals] == ["target"]


def test_nothing_shipped_is_accused_over_a_month():
    found, _ = false_alarms(market(1, seed=11), [FIRST])
    assert found == []


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_nothing_shipped_is_accused_over_many_months_made_up_and_real():
    months = [FIRST.shift(i) for i in range(12)]
    told = [("made up", *false_alarms(market(12, seed=12), months), len(months))]
    if REAL.is_file():
        months = [Month(2022, 10).shift(i) for i in range(12)]
        told.append(("BTCUSDT", *false_alarms(real_market(), months), len(months)))
    caught = sum(
        bool(find_look_ahead(lambda rows, of=of: rows.select("ts", x=of(rows)), market(1, seed=1)))
        for of in LEAKS.values()
    )
    print(f"\n{caught} of {len(LEAKS)} seeded leaks caught")  # noqa: T201 - the counts
    for name, found, looked_at, n in told:
        print(f"{name}: {len(found)} false alarms in {looked_at} columns, {n} months")  # noqa: T201
    assert caught == len(LEAKS)
    assert [found for _, found, *_ in told if found] == []
