"""What is odd about bars but no reason to refuse them: listed, and never dropped or changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from trading_assets.domain.bar import MINUTE, Gap, Timeframe
from trading_assets.domain.ids import Micros

CLOSE_TS = "close_ts"
"""Column of decoded rows: the vendor's own close time, where it gives one."""

_MINUTE = pl.duration(minutes=1)
_SLACK = pl.duration(milliseconds=1)  # vendors end a bar 1 ms or 1 us before the next


@dataclass(frozen=True, slots=True)
class EarlyClose:
    """A bar whose close time, by the vendor, is not the end of its minute."""

    ts: Micros
    close_ts: Micros


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of bars without a trade.

    Attributes:
        start: open time of its first bar.
        end: open time of its last one.
        minutes: of its bars.
        beside_gap: it touches a gap, so the market may have been closed rather than quiet.
    """

    start: Micros
    end: Micros
    minutes: int
    beside_gap: bool


@dataclass(frozen=True, slots=True)
class Jump:
    """A move that is far larger than those around it: a crash, or a wrong price.

    Attributes:
        ts: open time of the bar.
        kind: from the close of the bar before to the open, or inside the bar.
        move: open over close before - 1, or high over low - 1.
        times: how many times the month's median move from close to close.
    """

    ts: Micros
    kind: Literal["close_to_open", "range"]
    move: float
    times: float


def early_closes(rows: pl.DataFrame) -> tuple[EarlyClose, ...]:
    """List the rows whose close time is not the last unit of their minute.

    Nothing depends on it: vendors end a bar early before an outage, and sometimes for no reason.

    Args:
        rows: decoded rows; without the column CLOSE_TS there is nothing to tell.
    """
    if CLOSE_TS not in rows.columns:
        return ()
    ends, close = pl.col("ts") + _MINUTE, pl.col(CLOSE_TS)
    odd = rows.filter((close < ends - _SLACK) | (close >= ends)).select("ts", CLOSE_TS)
    unique = odd.unique().sort("ts", CLOSE_TS).select(pl.all().to_physical())
    return tuple(EarlyClose(*row) for row in unique.iter_rows())


def silences(
    frame: pl.DataFrame, gaps: tuple[Gap, ...], timeframe: Timeframe = Timeframe.M1
) -> tuple[Silence, ...]:
    """List the stretches of adjacent bars without a trade.

    Args:
        frame: BAR_SCHEMA, sorted and unique; where the vendor counts no trades none is listed.
        gaps: those of the same month.
        timeframe: size of the bars.
    """
    size = timeframe.micros
    silent = frame.filter(pl.col("n_trades") == 0).select("ts")
    stretch = (
        (pl.col("ts").diff() != pl.duration(microseconds=size)).fill_null(value=True).cum_sum()
    )
    spans = (
        silent.group_by(stretch.alias("stretch"), maintain_order=True)
        .agg(start=pl.col("ts").first(), end=pl.col("ts").last(), bars=pl.len())
        .select(pl.col("start", "end").to_physical(), pl.col("bars") * timeframe.minutes)
    )
    before, after = ({gap.start for gap in gaps}, {gap.end for gap in gaps})
    return tuple(
        Silence(start, end, minutes, end + size in before or start - MINUTE in after)
        for start, end, minutes in spans.iter_rows()
    )


def jumps(
    frame: pl.DataFrame, factor: float, timeframe: Timeframe = Timeframe.M1
) -> tuple[Jump, ...]:
    """List the moves beyond `factor` times the median move of these bars.

    The yardstick is the median of |ln(close / close before)| over adjacent bars that moved at
    all: a median, so that a crash does not raise it.

    Args:
        frame: BAR_SCHEMA, sorted and unique.
        factor: how many times the median is too much.
        timeframe: size of the bars.

    Returns:
        Jumps in order of time. Moves over a gap are none: the market had time for them.
    """
    size = pl.duration(microseconds=timeframe.micros)
    before = pl.when(pl.col("ts").diff() == size).then(pl.col("close").shift())
    moves = frame.select(
        "ts",
        step=(pl.col("close") / before).log().abs(),
        close_to_open=pl.col("open") / before - 1,
        range=pl.col("high") / pl.col("low") - 1,
    )
    usual = moves.filter(pl.col("step") > 0)["step"].median()
    if not isinstance(usual, float):
        return ()
    value = pl.col("close_to_open", "range")
    some = moves.filter(pl.any_horizontal(value.log1p().abs() / usual > factor))
    long = some.unpivot(["close_to_open", "range"], index="ts", variable_name="kind")
    times = pl.col("value").log1p().abs() / usual
    far = long.with_columns(times.alias("times")).filter(pl.col("times") > factor)
    rows = far.sort("ts", "kind").with_columns(pl.col("ts").to_physical())
    return tuple(Jump(*row) for row in rows.iter_rows())
