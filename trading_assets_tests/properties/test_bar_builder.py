"""Ticks one by one and trades as a table give the same bars, to the last bit."""

import polars as pl
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import MINUTE, Bar, Timeframe
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.tick import Tick
from trading_assets.market.bar_builder import (
    TRADES_SCHEMA,
    BarBuilder,
    bars_frame,
    bars_from_trades,
)
from trading_assets.market.bar_frame import row_content_hash, validate_bars
from trading_assets.market.resample import resample

BTC = Symbol("BTCUSDT")
START = Month(2024, 3).start
Trade = tuple[Micros, float, float]

# Borders of minutes and their neighbours come up often.
instants = st.one_of(
    st.integers(0, 20 * MINUTE),
    st.builds(lambda m, d: max(0, m * MINUTE + d), st.integers(0, 20), st.integers(-1, 1)),
)
trades = st.lists(
    st.tuples(
        instants,
        st.integers(1, 10**12).map(lambda n: n / 10**4),
        st.integers(0, 10**12).map(lambda n: n / 10**8),
    ),
    min_size=1,
    max_size=80,
)


def built(rows: list[Trade], seconds: int) -> pl.DataFrame:
    builder = BarBuilder(seconds)
    bars: list[Bar] = []
    for ts, price, size in rows:
        bars += builder.on_tick(Tick(START + ts, BTC, "test", last=price, size=size))
    bars += builder.flush(force=True)
    assert builder.late == 0
    return bars_frame(bars, "test")


def table(rows: list[Trade]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(START + ts, BTC, price, size) for ts, price, size in rows],
        schema={**TRADES_SCHEMA, "ts": pl.Int64()},
        orient="row",
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in TRADES_SCHEMA.items())


@settings(max_examples=100, deadline=None)
@given(trades, st.sampled_from([1, 60, 300, 3600]))
def test_ticks_and_tables_give_the_same_bars(rows: list[Trade], seconds: int) -> None:
    ordered = sorted(rows, key=lambda row: row[0])
    one_by_one = built(ordered, seconds)
    at_once = bars_from_trades(table(ordered), "test", bar_seconds=seconds)
    assert row_content_hash(one_by_one) == row_content_hash(at_once)
    # Inside a bar ticks may arrive in any order of time.
    size = seconds * 1_000_000
    shuffled = sorted(rows, key=lambda row: row[0] // size)
    assert row_content_hash(built(shuffled, seconds)) == row_content_hash(
        bars_from_trades(table(rows), "test", bar_seconds=seconds)
    )


EXACT = 2.0**25
"""Up to here a float in a bar still tells one 1e-8 unit from the next."""


@settings(max_examples=60, deadline=None)
@given(trades)
def test_larger_bars_of_trades_are_those_of_their_minutes(rows: list[Trade]) -> None:
    minutes = bars_from_trades(table(rows), "test")
    validate_bars(minutes, BTC)
    assume(minutes.select(pl.max_horizontal(pl.col("volume", "quote_volume").max())).item() < EXACT)
    five = resample(minutes, Timeframe.M5).select(minutes.columns)
    assert row_content_hash(five) == row_content_hash(
        bars_from_trades(table(rows), "test", bar_seconds=300)
    )


@settings(max_examples=60, deadline=None)
@given(trades)
@example([(0, 0.0027, 1.86e-06), (0, 175876.6347, 219.20784892)])
def test_amounts_too_large_to_tell_a_unit_differ_by_the_last_bits_of_a_float_only(
    rows: list[Trade],
) -> None:
    minutes = bars_from_trades(table(rows), "test")
    five = resample(minutes, Timeframe.M5).select(minutes.columns)
    at_once = bars_from_trades(table(rows), "test", bar_seconds=300)
    amounts = ["volume", "quote_volume"]
    assert five.drop(amounts).equals(at_once.drop(amounts))
    for name in amounts:
        # A rounding for each minute, and one for the sum.
        allowed = at_once[name] * 6 * 2.0**-53 + 1e-8
        assert ((five[name] - at_once[name]).abs() <= allowed).all()
