"""Bars of a month as its source has them, also where that has no minutes; and who may ask."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.market.native_grid import NativeGrid, native_grid
from trading_assets.storage.partition_store import Manifest, PartitionStore, address
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.market_tables import bars_table


def native_table(timeframe: Timeframe) -> str:
    """Give the table of cleaned native bars of a size, such as `native_1d`."""
    return f"native_{timeframe.value}"


def native_size(manifest: Manifest) -> Timeframe | None:
    """Give the size of the bars that a partition of bars was made of; None for minutes."""
    text = manifest.extra.get("native")
    return None if text is None else Timeframe(text)


def bars_of_source(tables: PartitionStore, bars: Manifest) -> Manifest:
    """Give the bars that the source itself gave.

    Args:
        tables: where they lie.
        bars: a version of `bars_1m`; others are what they are.

    Returns:
        The native bars that a month without minutes stands for; else `bars` itself.

    Raises:
        MissingPartition: if that version of the native bars was removed.
    """
    size = native_size(bars)
    if size is None or bars.table != bars_table(Timeframe.M1):
        return bars
    place = native_table(size), bars.symbol, bars.month
    wanted = bars.parents[address(*place)]
    found = tables.current(*place)
    if found is None or found.version != wanted:
        versions = tables.history(*place)
        found = next((m for m in reversed(versions) if m.version == wanted), None)
    if found is None:
        raise MissingPartition(
            f"The bars behind {bars.address} are missing",
            expected=f"version {wanted[:16]} of {address(*place)}",
            found="other versions, or none",
            fix=f"Materialise {bars.table} of this month again.",
        )
    return found


def grid_around(desk: Desk, months: Sequence[Manifest]) -> NativeGrid | None:
    """Give the native bars that months of a symbol owe, and the months beside them.

    Args:
        desk: whose calendars.
        months: versions of `bars_1m`, ascending.

    Returns:
        None where a month has minutes, or another size than the others.
    """
    sizes = {native_size(minutes) for minutes in months}
    size = sizes.pop() if len(sizes) == 1 else None
    first, last = (months[0], months[-1]) if months else (None, None)
    if size is None or first is None or last is None or first.symbol is None:
        return None
    assert first.month is not None and last.month is not None  # noqa: PT018, S101 - bars have one
    sessions = sessions_of_symbol(desk, first.symbol)
    return native_grid(size, first.month.shift(-1).start, last.month.shift(1).end, sessions)


def require_bars_of(manifest: Manifest, timeframe: Timeframe) -> Manifest:
    """Refuse bars that are smaller than those of the source: nobody has them.

    Raises:
        DataError: naming the source and the size that it gives.
    """
    size = native_size(manifest)
    if size is None or size.micros <= timeframe.micros:
        return manifest
    raise no_bars_of(manifest.extra["source"], str(manifest.symbol), size, timeframe)


def require_source_of(desk: Desk, symbol: Symbol, timeframe: Timeframe) -> None:
    """Refuse a size that the symbol's source is too coarse for, before anything is read.

    Raises:
        DataError: naming the source and the size that it gives.
    """
    traits = traits_of_symbol(desk.settings, symbol)
    if traits.timeframe.micros > timeframe.micros:
        raise no_bars_of(traits.name, symbol, traits.timeframe, timeframe)


def no_bars_of(source: str, symbol: str, size: Timeframe, wanted: Timeframe) -> DataError:
    """Give the error for bars that are smaller than those of the source."""
    return DataError(
        f"There are no bars of {wanted.value} of {symbol}",
        expected=f"a source of {wanted.value} or less",
        found=f"{source}, which gives {size.value}",
        fix=f"Ask for {size.value} or more, or choose a finer source for {symbol}.",
    )


def expected_end(minutes: Manifest) -> Micros:
    """Give until when bars of a month are expected: of larger ones, where the last has ended."""
    return int(minutes.extra["expected_end" if native_size(minutes) is None else "native_end"])
