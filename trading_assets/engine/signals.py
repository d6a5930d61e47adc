"""What the engine reads: bars and finished signal columns, as plain matrices on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError
from trading_assets.domain.setup import SignalFamily
from trading_assets.records.arrays import buffer
from trading_assets.records.sound_bars import are_ascending, are_whole

TARGET_COLUMNS = ("target", "stop_distance", "confidence")
"""Signed size before sizing (NaN: keep what is held); stop distance in quote; calibrated belief."""

BRACKET_COLUMNS = (
    "long_entry",
    "short_entry",
    "sl_long",
    "sl_short",
    "tp_long",
    "tp_short",
    "valid_to",
)
"""Prices in quote and, last, an instant: NaN for none.

`valid_to` is the open time, in microseconds UTC, of the last bar at whose close the bracket still
matters: at that close a waiting entry is withdrawn and an open position is sent to market.
"""

COLUMNS = {SignalFamily.TARGET: TARGET_COLUMNS, SignalFamily.BRACKET: BRACKET_COLUMNS}
"""Columns of the families that have the same for all strategies."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


_Number = TypeVar("_Number", np.int64, np.float64)


class Bars(NamedTuple):
    """The columns of a bar matrix that the compiled step reads; made by `bar_columns` only."""

    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BarMatrix:
    """Bars of all symbols on one time axis.

    Attributes:
        ts: int64 (T,), open times in microseconds UTC, strictly increasing.
        open, high, low, close, volume: float64 (S, T); NaN in all five where a symbol has no bar.
            A bar whose volume alone is NaN has an unknown one: setups that need it refuse it.
    """

    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __post_init__(self) -> None:
        """Refuse what the compiled step would misread.

        Raises:
            DataError: naming the column and the first bad place.
        """
        _require(self.ts, "ts", np.dtype(np.int64), 1)
        if not are_ascending(self.ts):
            at = int(np.argmax(np.diff(self.ts) <= 0)) + 1
            raise DataError(
                "Bar times do not increase",
                expected=f"more than {self.ts[at - 1]} at row {at}",
                found=str(self.ts[at]),
            )
        shape = (self.open.shape[0], len(self.ts))
        for name in ("open", "high", "low", "close", "volume"):
            column = getattr(self, name)
            _require(column, name, np.dtype(np.float64), 2)
            if column.shape != shape:
                raise DataError(
                    f"Bar column {name} has another shape",
                    expected=str(shape),
                    found=str(column.shape),
                )
        _require_prices(self)

    @property
    def symbols(self) -> int:
        """Number of symbols."""
        return int(self.open.shape[0])

    def __len__(self) -> int:
        """Number of instants."""
        return len(self.ts)

    @property
    def columns(self) -> Bars:
        """The arrays that the compiled step takes."""
        return bar_columns(self.ts, self.open, self.high, self.low, self.close, self.volume)

    def require_volumes(self, start: int, stop: int, why: str) -> None:
        """Refuse bars of a range without a volume; `why` says what needs it.

        Raises:
            DataError: naming the first such bar.
        """
        volume, close = self.volume[:, start:stop], self.close[:, start:stop]
        bad = ~((volume >= 0.0) & (volume < np.inf)) & ~np.isnan(close)
        if bad.any():
            symbol, at = (int(i) for i in np.argwhere(bad)[0])
            raise DataError(
                f"Bar of symbol {symbol} at {self.ts[start + at]} has no volume",
                expected=f"a volume >= 0, since the setup has {why}",
                found=str(volume[symbol, at]),
                fix="Give bars with their volume, or take this cost or rule out of the setup.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class SignalMatrix:
    """Signals of all symbols, decided at the close of the bar in the same place.

    Attributes:
        family: None for books of strategies of several families: then F is the largest of theirs,
            each row begins with the columns of its own, and what follows is not read.
        values: float64 (B, T, F) with the columns of the family, NaN for no opinion; one row per
            symbol of one strategy, or per strategy and symbol (`domain.setup.book_places`). Of
            targets, the last columns may be left out where they are NaN throughout. The compiled
            step reads column by column: `np.empty((F, B, T)).transpose(1, 2, 0)` needs no copy.
    """

    family: SignalFamily | None
    values: Floats

    def __post_init__(self) -> None:
        """Refuse another shape.

        Raises:
            DataError: if the columns are not those of the family.
        """
        _require(self.by_column, "signals", np.dtype(np.float64), 3)
        columns = None if self.family is None else COLUMNS.get(self.family)
        given = self.values.shape[2]
        short = self.family is SignalFamily.TARGET and 1 <= given < len(TARGET_COLUMNS)
        if columns is not None and given != len(columns) and not short:
            raise DataError(
                "Signal matrix has other columns than its family",
                expected=", ".join(columns),
                found=f"{given} columns",
            )

    @property
    def by_column(self) -> Floats:
        """The values as float64 (F, S, T), read-only, in C order."""
        return read_only(np.ascontiguousarray(self.values.transpose(2, 0, 1)))


def together(matrices: Sequence[SignalMatrix]) -> SignalMatrix:
    """Put the signals of several strategies under each other, in the order of their books.

    They are on one time axis. Rows of families with fewer columns end in NaN.
    """
    if len(matrices) == 1:
        return matrices[0]
    families = {matrix.family for matrix in matrices}
    columns = max(matrix.values.shape[2] for matrix in matrices)
    if len(families) > 1:  # a family that leaves out silent columns has all of them beside others
        columns = max(columns, *(len(COLUMNS.get(f, ())) for f in families if f is not None))
    books = sum(matrix.values.shape[0] for matrix in matrices)
    by_column = buffer((columns, books, matrices[0].values.shape[1]))
    row = 0
    for matrix in matrices:
        own = matrix.by_column
        end = row + own.shape[1]
        by_column[: own.shape[0], row:end] = own
        by_column[own.shape[0] :, row:end] = np.nan
        row = end
    family = families.pop() if len(families) == 1 else None
    return SignalMatrix(family, by_column.transpose(1, 2, 0))


def columns_of(family: SignalFamily, declared: tuple[str, ...]) -> tuple[str, ...]:
    """Give the columns of a family; those of ON_BAR are what its strategy declares."""
    return COLUMNS.get(family, declared)


def bar_columns(
    ts: Ints, open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats
) -> Bars:
    """Give arrays to the compiled step: read-only, whatever they were."""
    columns = (read_only(column) for column in (open_, high, low, close, volume))
    return Bars(read_only(ts), *columns)


def read_only(array: NDArray[_Number]) -> NDArray[_Number]:
    """Give a view that cannot be written: one type of array, so one compiled machine."""
    view = array.view()
    view.flags.writeable = False
    return view


def _require(array: np.ndarray, name: str, dtype: np.dtype[np.generic], dimensions: int) -> None:
    if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
        raise DataError(
            f"Array {name} does not fit",
            expected=f"{dtype}, {dimensions} dimensions, C order",
            found=f"{array.dtype}, {array.ndim} dimensions"
            + ("" if array.flags.c_contiguous else ", not contiguous"),
        )


def _require_prices(bars: BarMatrix) -> None:
    """Each bar is whole or absent, and its range covers its open and close."""
    columns = (bars.open, bars.high, bars.low, bars.close)
    if all(are_whole(*(column[row] for column in columns)) for row in range(bars.symbols)):
        return
    low, high = bars.low, bars.high
    fits = (
        (low > 0.0)
        & (low <= bars.open)
        & (bars.open <= high)
        & (low <= bars.close)
        & (bars.close <= high)
        & (high < np.inf)
    )
    absent = np.isnan(bars.open) & np.isnan(high) & np.isnan(low) & np.isnan(bars.close)
    bad = ~(fits | absent)
    if bad.any():
        symbol, at = (int(i) for i in np.argwhere(bad)[0])
        prices = ", ".join(
            f"{name} {getattr(bars, name)[symbol, at]}" for name in ("open", "high", "low", "close")
        )
        raise DataError(
            f"Bar of symbol {symbol} at {bars.ts[at]} is not a bar",
            expected="0 < low <= open, close <= high < infinity, or NaN in all",
            found=prices,
        )
