"""Columns that are computed once for all trials of a sweep.

A strategy that asks for its columns here shares them with every other set of parameters that asks
for the same: equal function, columns and arguments on the same frame are one computation. Outside
a sweep the column is simply computed, by the same call, so that the bits are the same either way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

DEFAULT_BYTES = 512 * 1024 * 1024

_Key = tuple[Hashable, ...]
_active: ContextVar[_Memo | None] = ContextVar("memo", default=None)


class _Memo:
    """Columns of some frames, the least recently used dropped first."""

    def __init__(self, frames: tuple[pl.DataFrame, ...], most_bytes: int) -> None:
        self._places = {id(frame): place for place, frame in enumerate(frames)}
        self._frames = frames  # held, so that no other frame can take the place of one
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[_Key, tuple[Any, int]] = OrderedDict()

    def is_of(self, frames: tuple[pl.DataFrame, ...]) -> bool:
        return all(id(frame) in self._places for frame in frames)

    def get(self, frame: pl.DataFrame, key: _Key, compute: Callable[[], tuple[Any, int]]) -> Any:
        place = self._places.get(id(frame))
        if place is None:
            return compute()[0]  # a frame of the strategy's own making
        key = (place, *key)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        found, size = compute()
        self._kept[key] = found, size
        self._bytes += size
        while self._bytes > self._most and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1][1]
        return found


@contextmanager
def shared_columns(
    frames: tuple[pl.DataFrame, ...], most_bytes: int = DEFAULT_BYTES
) -> Iterator[None]:
    """Share the columns of these frames between all that asks for them inside.

    Where they are shared already, that goes on.
    """
    active = _active.get()
    if active is not None and active.is_of(frames):
        yield
        return
    token = _active.set(_Memo(frames, most_bytes))
    try:
        yield
    finally:
        _active.reset(token)


def column(
    frame: pl.DataFrame, function: Callable[..., pl.Expr], *columns: str, **arguments: Hashable
) -> pl.Series:
    """Give `function` of columns of a frame, one value per row.

    `column(frame, ema, "close", span=20)` is `frame.select(ema(pl.col("close"), span=20))`.

    Args:
        frame: as `signals` got it; of any other frame nothing is shared.
        function: from expressions to one expression; a function of a module, so that equal
            functions are the same object.
        columns: names of its first arguments.
        arguments: the others, plain values.
    """
    import polars as pl

    def compute() -> tuple[pl.Series, int]:
        expression = function(*(pl.col(name) for name in columns), **arguments)
        found = frame.select(expression).to_series()
        return found, int(found.estimated_size())

    key = (function, columns, *sorted(arguments.items()))
    return cast("pl.Series", _shared(frame, key, compute))


def values(
    frame: pl.DataFrame,
    function: Callable[..., NDArray[Any]],
    *columns: str,
    **arguments: Hashable,
) -> NDArray[Any]:
    """Give the same of a function of arrays; the columns enter as arrays, null as NaN.

    Returns:
        What the function returns, not to be written to.
    """
    import numpy as np

    def compute() -> tuple[NDArray[Any], int]:
        arrays = (_array(frame, name) for name in columns)
        found = np.asarray(function(*arrays, **arguments))
        found.flags.writeable = False
        return found, found.nbytes

    key = (function, columns, *sorted(arguments.items()))
    return cast("NDArray[Any]", _shared(frame, key, compute))


def _shared(frame: pl.DataFrame, key: _Key, compute: Callable[[], tuple[Any, int]]) -> Any:
    memo = _active.get()
    return compute()[0] if memo is None else memo.get(frame, key, compute)


def _array(frame: pl.DataFrame, name: str) -> NDArray[Any]:
    series = frame[name]
    return (series.to_physical() if series.dtype.is_temporal() else series).to_numpy()
