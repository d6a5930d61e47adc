"""A month cut into fixed windows, so that every run asks a vendor for the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.errors import CorruptFile, NotTraded, UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash
from trading_assets.domain.instrument import Instrument
from trading_assets.market.history import ObjectKind, VendorObject

_REVISION_TIME = DAY  # late and corrected trades still change bars; younger ones are read again
_NEEDED = ("quote", "tick", "lot")
_FACTS = ("quote", "calendar", "asset_class", "tick", "lot", "min_notional", "point_value")


def windows(
    symbol: Symbol,
    month: Month,
    asked_for: str,
    *,
    kind: ObjectKind,
    timeframe: Timeframe,
    days: int,
    delivered: Micros,
) -> tuple[VendorObject, ...]:
    """List the windows of a month that have begun.

    Args:
        symbol: whose they are.
        month: is cut from its first day on.
        asked_for: the vendor's address and its name of the symbol; other bytes get other names.
        kind: of every object.
        timeframe: of the bars.
        days: length of a window.
        delivered: until when the vendor has bars, of this month or later.
    """
    digest = content_hash(asked_for)[:8]
    end = min(month.end, delivered)
    return tuple(
        VendorObject(
            name=f"{symbol}-{timeframe.value}-{day_text(start)}-{digest}.json",
            kind=kind,
            start=start,
            end=min(start + days * DAY, end),
            finished=min(start + days * DAY, month.end) <= delivered - _REVISION_TIME,
        )
        for start in range(month.start, end, days * DAY)
    )


def delivered_until(
    symbol: Symbol,
    month: Month,
    now: Micros,
    *,
    delay_minutes: int,
    step: Micros,
    may_be_nothing: bool = False,
) -> Micros:
    """Give until when a vendor has bars, which come some time after they have ended.

    Raises:
        NotTraded: if nothing of the month is there yet, unless `may_be_nothing`.
    """
    end = now - delay_minutes * MINUTE
    end -= end % step
    if end <= month.start and may_be_nothing:
        return month.start
    if end <= month.start:
        raise NotTraded(
            f"The vendor has no bars of {symbol} for {month} yet",
            expected=f"bars {delay_minutes} minutes after they have ended (`delay_minutes`)",
            found=f"bars until {day_text(end)}",
            fix="Try again later.",
        )
    return end


def require_inside(wanted: VendorObject, first: object, last: object) -> None:
    """Refuse an answer that is not about the span that was asked for.

    Raises:
        CorruptFile: naming the span and what came.
    """
    if not isinstance(first, int) or not isinstance(last, int):
        return
    if first < wanted.start or last >= wanted.end:
        raise CorruptFile(
            f"The answer for {wanted.name} is not about what was asked",
            expected=f"open times in [{wanted.start}, {wanted.end})",
            found=f"{first} to {last}",
            fix="Nothing was stored. Check the vendor's rules for `from` and `to`.",
        )


def declared_instruments(
    symbols: tuple[Symbol, ...], declared: Mapping[Symbol, InstrumentDeclaration], source: str
) -> tuple[Instrument, ...]:
    """Give instruments of a source that says nothing of grids: as declared.

    Raises:
        UnknownSymbol: naming the keys of `[instruments.<SYMBOL>]` that are missing.
    """
    return tuple(_instrument(symbol, declared.get(symbol), source) for symbol in symbols)


def _instrument(symbol: Symbol, said: InstrumentDeclaration | None, source: str) -> Instrument:
    given = {name: value for name in _FACTS if (value := getattr(said, name, None))}
    missing = [name for name in _NEEDED if name not in given]
    if said is None or missing:
        raise UnknownSymbol(
            f"Source {source} does not say how {symbol} is traded",
            expected=f"{', '.join(_NEEDED)} in [instruments.{symbol}]",
            found=f"no {', '.join(missing)}",
            fix="Declare them in the settings.",
        )
    return Instrument(symbol=symbol, base=said.base or symbol, **given)


def day_text(instant: Micros) -> str:
    """Give the UTC date of an instant as `2024-03-01`."""
    return datetime.fromtimestamp(instant // 1_000_000, tz=UTC).strftime("%Y-%m-%d")
