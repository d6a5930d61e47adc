"""When a symbol was traded and split, as declared; history outside is another instrument's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from trading_assets.domain.errors import DataError, NotTraded
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.market.splits import Split


def micros_of(day: date) -> Micros:
    """Give the first instant of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def declared_listing(settings: Settings, symbol: Symbol) -> tuple[Micros | None, Micros | None]:
    """Give `listed` and `delisted` of `[instruments.<SYMBOL>]`; None where nothing is declared."""
    declared = settings.instruments.get(symbol)
    listed, delisted = (declared.listed, declared.delisted) if declared else (None, None)
    return (
        micros_of(listed) if listed is not None else None,
        micros_of(delisted) if delisted is not None else None,
    )


def listed_part(
    settings: Settings, symbol: Symbol, start: Micros | None, end: Micros
) -> tuple[Micros | None, Micros]:
    """Cut a stretch in which history is expected to the declared time of trading.

    Returns:
        The stretch [start, end); empty (start == end) when nothing of it was traded. A start of
        None, "the first row decides", stays None.
    """
    listed, delisted = declared_listing(settings, symbol)
    if delisted is not None:
        end = min(end, delisted)
    if start is None:
        return None, end
    return min(max(start, listed) if listed is not None else start, end), end


def is_traded_in(settings: Settings, symbol: Symbol, month: Month) -> bool:
    """Tell whether a symbol was, as declared, traded at any time of a month."""
    start, end = listed_part(settings, symbol, month.start, month.end)
    return start is None or start < end


def require_traded(settings: Settings, symbol: Symbol, month: Month) -> None:
    """Refuse a month in which a symbol was, as declared, never traded.

    Raises:
        NotTraded: naming its first and last day of trading.
    """
    if not is_traded_in(settings, symbol, month):
        raise NotTraded(
            f"{symbol} was not traded in {month}",
            expected=f"a month inside {_listing_text(settings, symbol)}",
            found=str(month),
            fix="There is nothing to fetch. Correct `listed` and `delisted` of "
            f"[instruments.{symbol}] if that is wrong.",
        )


def require_listed(settings: Settings, symbol: Symbol, frame: pl.DataFrame) -> None:
    """Refuse bars from before a symbol was listed, or from after it was delisted.

    They are of another instrument that had the same name, or the declaration is wrong; no row is
    dropped in silence.

    Args:
        settings: hold the declaration.
        symbol: whose bars they are.
        frame: bars with a column `ts`.

    Raises:
        DataError: naming the first such bar.
    """
    from trading_assets.market.bar_frame import between, row_text

    listed, delisted = declared_listing(settings, symbol)
    if listed is None and delisted is None:
        return
    first = listed if listed is not None else -(2**62)
    last = delisted if delisted is not None else 2**62
    outside = frame.filter(~between(first, last))
    if outside.height:
        raise DataError(
            f"{outside.height} bars of {symbol} are from a time when it was not listed",
            expected=f"bars inside {_listing_text(settings, symbol)}",
            found=row_text(outside, 0),
            fix="A name that is used again is another instrument: declare it under a symbol of its "
            f"own with `vendor_symbol`, or correct [instruments.{symbol}].",
        )


def _listing_text(settings: Settings, symbol: Symbol) -> str:
    declared = settings.instruments[symbol]
    return f"[{declared.listed or 'the beginning'}, {declared.delisted or 'now'})"


def declared_splits(settings: Settings, symbol: Symbol) -> tuple[Split, ...]:
    """Give the splits of `[instruments.<SYMBOL>]`, for `market.splits.adjust_for_splits`."""
    from trading_assets.market.splits import Split

    declared = settings.instruments.get(symbol)
    found = declared.splits if declared else ()
    return tuple(
        Split(split.ex_date, int(new), int(old))
        for split in found
        for new, _, old in (split.ratio.partition(":"),)
    )
