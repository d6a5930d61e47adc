"""Signals of a month under the anchor rule: the one way to them, for backtest, live and parity."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError
from trading_assets.domain.events import SignalRow
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.signals import BarMatrix, SignalMatrix, columns_of
from trading_assets.features.anchor import anchor
from trading_assets.market.bar_frame import between
from trading_assets.records.arrays import buffer
from trading_assets.strategies.protocol import Strategy, memory

_BLOCK = 1 << 13
_PRICES = ("open", "high", "low", "close", "volume")


def anchored(frame: pl.DataFrame, strategy: Strategy, month: Month) -> pl.DataFrame:
    """Cut a longer frame of one symbol to what the signals of a month may be computed from."""
    return frame.filter(between(anchor(month, memory(strategy)), month.end))


def with_forecasts(bars: pl.DataFrame, forecasts: pl.DataFrame, horizon: str) -> pl.DataFrame:
    """Add `prediction` and `confidence` of one horizon to the bars of one symbol.

    Bars without a forecast get nulls.

    Raises:
        DataError: if a bar has two forecasts of the horizon.
    """
    chosen = forecasts.filter(pl.col("horizon") == horizon)
    if chosen["ts"].is_duplicated().any():
        raise DataError(
            f"Two forecasts of {horizon} for one bar",
            expected="one per bar and horizon",
            found=str(chosen.filter(chosen["ts"].is_duplicated()).row(0)),
        )
    return bars.join(
        chosen.select("ts", "prediction", "confidence"), on="ts", how="left", maintain_order="left"
    )


def strategy_columns(strategy: Strategy) -> tuple[str, ...]:
    """Give the columns that a strategy shows to the engine, in its order."""
    return columns_of(strategy.family, getattr(strategy, "columns", ()))


def evaluate(strategy: Strategy, frame: pl.DataFrame) -> pl.DataFrame:
    """Give the signals of a whole anchored frame, rows without full warm-up empty.

    A row is warm when the strategy's warm-up in calendar time lies between the first bar of the
    frame and its own bar, both open times. Where history begins late, signals therefore do too.

    Returns:
        `ts` and the columns of the family as Float64, in the order of the engine; null is "none".

    Raises:
        DataError: if the strategy breaks its protocol (no frame, rows lost or added, unknown
            columns, a column that is no number, a value that is infinite).
    """
    signals = proven_signals(strategy, frame)
    columns = strategy_columns(strategy)
    for name in columns:
        if name in signals.columns:
            require_numbers(strategy, signals[name], frame)
    warm = pl.col("ts") >= pl.col("ts").first() + memory(strategy)
    return signals.select(
        "ts",
        *(
            pl.when(warm).then(pl.col(name).cast(pl.Float64).fill_nan(None)).alias(name)
            if name in signals.columns
            else pl.lit(None, dtype=pl.Float64).alias(name)
            for name in columns
        ),
    )


def cold_rows(strategy: Strategy, ts: NDArray[np.int64]) -> int:
    """Count the first rows of a frame that lack the full warm-up; `ts` are its open times."""
    warm_up = memory(strategy) // timedelta(microseconds=1)
    return int(np.searchsorted(ts, ts[0] + warm_up)) if len(ts) else 0


def proven_signals(strategy: Strategy, frame: pl.DataFrame) -> pl.DataFrame:
    """Give what a strategy answers, rows without warm-up included; its values are not looked at.

    Raises:
        DataError: as `evaluate`.
    """
    signals = strategy.signals(frame)
    columns = strategy_columns(strategy)
    if not isinstance(signals, pl.DataFrame):
        raise DataError(
            f"Strategy {strategy.name} breaks its protocol",
            expected="a polars DataFrame from signals()",
            found=type(signals).__name__,
        )
    unknown = set(signals.columns) - {"ts", *columns}
    if unknown or "ts" not in signals.columns or not _are_equal(signals["ts"], frame["ts"]):
        raise DataError(
            f"Strategy {strategy.name} breaks its protocol",
            expected=f"the frame's ts, and columns of {', '.join(columns) or 'none'}",
            found=f"{signals.height} of {frame.height} rows, columns {', '.join(signals.columns)}",
        )
    return signals


def _are_equal(one: pl.Series, other: pl.Series) -> bool:
    """Compare two columns; mostly they are the same memory, which says it at once."""
    if one.dtype == other.dtype and one.len() == other.len() and not one.null_count():
        first, second = (column.cast(pl.Int64).to_numpy() for column in (one, other))
        if first.ctypes.data == second.ctypes.data:
            return True
    return one.equals(other)


def require_numbers(strategy: Strategy, column: pl.Series, frame: pl.DataFrame) -> None:
    """Refuse a column that is not one of finite numbers and nulls.

    Raises:
        DataError: naming the column and its first infinite value.
    """
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        raise DataError(
            f"Strategy {strategy.name}: column {column.name} is not a number",
            expected="Float64",
            found=str(column.dtype),
        )
    if not column.dtype.is_float():
        return
    # The smallest and largest say it at once; looking for the place costs only when there is one.
    if math.inf in (column.max(), -cast(float, column.min() or 0.0)):
        at = int(column.is_infinite().arg_max() or 0)
        symbol = frame["symbol"][at] if "symbol" in frame.columns else "its symbol"
        raise DataError(
            f"Strategy {strategy.name}: {column.name} of {symbol} at {frame['ts'][at]} is infinite",
            expected="a finite number, or null for none",
            found=str(column[at]),
        )


def month_signals(strategy: Strategy, frame: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Give the signals of one symbol and month, computed from the month's anchor on.

    Live calls it with the bars up to now and takes the last row; backtests call it with the whole
    month. Both frames are cut to the same first row here, so equal rows have equal bits. Forecasts
    before the month are blanked: they come from another model than the month's own.

    Args:
        strategy: gives the warm-up that the anchor follows from.
        frame: bars of one symbol, ascending, reaching back to the anchor where history does
            (longer is harmless), with forecast columns when the strategy has a horizon.
        month: rows with open time in it are given.

    Returns:
        See `evaluate`; without rows when the month has no bars.
    """
    own = between(month.start, month.end)
    frame = anchored(frame, strategy, month)
    if strategy.horizon is not None:
        frame = frame.with_columns(
            pl.when(own).then(pl.col(name)).alias(name) for name in ("prediction", "confidence")
        )
    return evaluate(strategy, frame).filter(own)


def bar_matrix(frames: Mapping[Symbol, pl.DataFrame], symbols: Sequence[Symbol]) -> BarMatrix:
    """Lay bars of several symbols on one time axis; NaN where a symbol has no bar."""
    axis = time_axis(frames)
    for symbol in symbols:
        _require_columns(symbol, frames[symbol])
    if len(symbols) == 1:
        frame = frames[symbols[0]]
        return BarMatrix(axis, *(_floats(frame, name)[None, :] for name in _PRICES))
    values = {name: np.full((len(symbols), axis.size), np.nan) for name in _PRICES}
    for row, symbol in enumerate(symbols):
        place = _places(axis, frames[symbol])
        for name in _PRICES:
            values[name][row, place] = _floats(frames[symbol], name)
    return BarMatrix(axis, *(values[name] for name in _PRICES))


def _require_columns(symbol: Symbol, frame: pl.DataFrame) -> None:
    """Refuse bars without all of their columns, by name.

    Raises:
        DataError: naming the symbol and the column.
    """
    missing = [name for name in _PRICES if name not in frame.columns]
    if missing:
        raise DataError(
            f"Bars of {symbol} lack a column",
            expected=", ".join(_PRICES),
            found=f"no {', '.join(missing)}",
            fix="Give a volume that is not known as null: what needs one says so.",
        )


def signal_matrix(
    family: SignalFamily,
    signals: Mapping[Symbol, pl.DataFrame],
    symbols: Sequence[Symbol],
    axis: NDArray[np.int64],
) -> SignalMatrix:
    """Lay signals of several symbols on the time axis of their bars; NaN is "none"."""
    columns = _columns(family, signals[symbols[0]])
    by_column = buffer((len(columns), len(symbols), axis.size))
    for row, symbol in enumerate(symbols):
        frame = signals[symbol]
        place = _places(axis, frame)
        if frame.height < axis.size:
            by_column[:, row] = np.nan
        for column, name in enumerate(columns):
            silent = frame[name].null_count() == frame.height
            by_column[column, row, place] = np.nan if silent else _floats(frame, name)
    return SignalMatrix(family, by_column.transpose(1, 2, 0))


def evaluated_matrix(
    strategy: Strategy,
    frames: Mapping[Symbol, pl.DataFrame],
    symbols: Sequence[Symbol],
    axis: NDArray[np.int64],
) -> SignalMatrix:
    """Evaluate whole frames, and lay the rows between the ends of a time axis on it.

    The bits are those of `evaluate` and `signal_matrix`, without a table between them.

    Args:
        strategy: what to evaluate.
        frames: per symbol, ascending; rows before and after the axis may be there.
        symbols: in the order of the engine.
        axis: int64 (T,), open times that hold all of the frames' between its ends; not empty.

    Raises:
        DataError: as `evaluate`.
    """
    names = strategy_columns(strategy)
    answers = [proven_signals(strategy, frames[symbol]) for symbol in symbols]
    if strategy.family is SignalFamily.TARGET:
        given = {name for signals in answers for name in signals.columns}
        names = names[: 1 + max((at for at, name in enumerate(names) if name in given), default=0)]
    by_column = buffer((len(names), len(symbols), axis.size))
    for row, symbol in enumerate(symbols):
        frame = frames[symbol]
        ts = open_times(frame)
        first = int(np.searchsorted(ts, axis[0]))
        last = int(np.searchsorted(ts, axis[-1], "right"))
        cold = min(max(cold_rows(strategy, ts) - first, 0), last - first)
        whole = last - first == axis.size
        place = None if whole else np.searchsorted(axis, ts[first:last])
        for column, name in enumerate(names):
            own = by_column[column, row]
            if name not in answers[row].columns:
                own[:] = np.nan
                continue
            require_numbers(strategy, answers[row][name], frame)
            _lay(own, _floats(answers[row], name)[first:last], cold, place)
    return SignalMatrix(strategy.family, by_column.transpose(1, 2, 0))


def _lay(
    own: NDArray[np.float64],
    values: NDArray[np.float64],
    cold: int,
    place: NDArray[np.int64] | None,
) -> None:
    """Lay values from their row `cold` on at their places; all else is NaN, of one making.

    Bits are identity, so no NaN of a strategy's making stays.
    """
    if place is None:
        own[:cold] = np.nan
    else:
        own[:] = np.nan
        own[place[cold:]] = values[cold:]
    for begin in range(0 if place is not None else cold, own.size, _BLOCK):
        part = own[begin : begin + _BLOCK]
        if place is None:
            part[:] = values[begin : begin + _BLOCK]
        np.copyto(part, np.nan, where=np.isnan(part))


def time_axis(frames: Mapping[Symbol, pl.DataFrame]) -> NDArray[np.int64]:
    """Give all open times that any of the frames has, ascending."""
    parts = [open_times(frame) for frame in frames.values()]
    if parts and all(np.array_equal(parts[0], part) for part in parts[1:]):
        return parts[0]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)


def row_hash(symbol: Symbol, ts: Micros, values: Sequence[float]) -> str:
    """Give the identity of a signal row: SHA-256 of symbol, open time and the bits of its values.

    Symbol as UTF-8 with its length before it, `ts` as little-endian int64, values as little-endian
    float64 with one NaN.
    """
    return _row_hash(symbol, ts, np.asarray(values, dtype=np.float64))


def signal_rows(
    symbol: Symbol,
    family: SignalFamily,
    signals: pl.DataFrame,
    forecast_ids: Mapping[Micros, str] | None = None,
) -> tuple[SignalRow, ...]:
    """Turn signals of one symbol into the rows that live and parity compare by hash.

    Args:
        symbol: of all rows.
        family: decides the order of the values.
        signals: as `month_signals` gives them.
        forecast_ids: open time to the id of the forecast behind the row.
    """
    values = _values(signals, _columns(family, signals))
    ids = forecast_ids or {}
    return tuple(
        SignalRow(
            symbol, ts, tuple(row.tolist()), _row_hash(symbol, ts, row), forecast_id=ids.get(ts, "")
        )
        for ts, row in zip(open_times(signals).tolist(), values, strict=True)
    )


def _columns(family: SignalFamily, signals: pl.DataFrame) -> tuple[str, ...]:
    """Give the columns of evaluated signals in the order of the engine."""
    return columns_of(family, tuple(name for name in signals.columns if name != "ts"))


def _row_hash(symbol: Symbol, ts: Micros, values: NDArray[np.float64]) -> str:
    name = symbol.encode()
    canonical = np.where(np.isnan(values), np.nan, values).astype("<f8")
    head = struct.pack("<I", len(name)) + name + struct.pack("<q", ts)
    return hashlib.sha256(head + canonical.tobytes()).hexdigest()


def _values(signals: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """Give (rows, columns) float64 with NaN for null."""
    parts = [signals[name].fill_null(float("nan")).to_numpy() for name in columns]
    return np.stack(parts, axis=1) if parts else np.empty((signals.height, 0))


def _places(axis: NDArray[np.int64], frame: pl.DataFrame) -> NDArray[np.int64] | slice:
    """Give the rows of a frame on the axis; a frame as long as the axis has them all."""
    if frame.height == axis.size:
        return slice(None)
    return np.searchsorted(axis, open_times(frame))


def _floats(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    column = frame[name].cast(pl.Float64)
    return (column.fill_null(math.nan) if column.has_nulls() else column).to_numpy()


def open_times(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Give the column `ts` of a table as int64 (T,), microseconds UTC."""
    return frame["ts"].cast(pl.Int64).to_numpy()  # `to_physical` makes a query of it
