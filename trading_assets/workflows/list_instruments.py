"""Instruments of the desk: published as a versioned table, read back as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.domain.ids import Micros, Symbol, symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.market.bar_frame import TS
from trading_assets.market.history import HistorySources
from trading_assets.settings import Settings
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import declared_listing
from trading_assets.workflows.market_tables import INSTRUMENTS_CODE_VERSION, published_from_manifest
from trading_assets.workflows.published import Published

INSTRUMENTS_TABLE = "instruments"

_TEXT = ("symbol", "base", "quote", "calendar", "asset_class")
_DECIMALS = ("tick", "lot", "min_notional", "point_value")
_INSTANTS = ("listed", "delisted")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEEDED = {"quote", "tick", "lot"}  # without asking the source


def publish_instruments(desk: Desk) -> Published:
    """Publish the grid of every symbol in settings: as declared, else as its source says.

    A source is only asked for symbols whose declaration leaves something open.

    Raises:
        UnknownSymbol: if a source does not list a symbol that is not declared in full.
        ConfigurationError: if a declared number does not fit the engine's grid.
        VenueError: if a source cannot be reached.
    """
    settings = desk.settings
    with desk.history() as sources:
        instruments = [_instrument_of(settings, sources, symbol) for symbol in settings.symbols]
    frame = pl.DataFrame(
        [
            {
                **{name: str(getattr(instrument, name)) for name in _TEXT},
                **{name: f"{getattr(instrument, name):f}" for name in _DECIMALS},
                **{name: getattr(instrument, name) for name in _INSTANTS},
            }
            for instrument in instruments
        ],
        schema_overrides=dict.fromkeys(_INSTANTS, TS),
    )
    manifest, changed = desk.tables.publish(
        INSTRUMENTS_TABLE,
        None,
        None,
        frame,
        code_version=INSTRUMENTS_CODE_VERSION,
        parents={},
        extra=instruments_basis(settings),
    )
    return published_from_manifest(
        desk.tables, manifest, changed=changed, symbols=list(settings.symbols)
    )


def list_instruments(desk: Desk) -> tuple[Instrument, ...]:
    """Give the instruments of the settings, in their order.

    The table is read; it is published first when it is missing, or was made from other sources or
    declarations.

    Raises:
        UnknownSymbol: if a source does not list a symbol.
        CorruptFile: if the table's file is damaged.
        VenueError: if a source is needed and cannot be reached.
    """
    current = desk.tables.current(INSTRUMENTS_TABLE, None, None)
    basis = instruments_basis(desk.settings)
    is_older = current is None or current.code_version != INSTRUMENTS_CODE_VERSION
    if current is None or is_older or any(current.extra.get(name) != basis[name] for name in basis):
        publish_instruments(desk)
    known = _read(desk)
    return tuple(known[symbol] for symbol in desk.settings.symbols)


def instruments_basis(settings: Settings) -> dict[str, Any]:
    """Give what the table of instruments is made from: each symbol's source and declaration."""
    return {
        symbol: {
            "store": traits_of_symbol(settings, symbol).store,
            "declared": declared.model_dump(mode="json") if declared else None,
        }
        for symbol in settings.symbols
        for declared in (settings.instruments.get(symbol),)
    }


def _instrument_of(settings: Settings, sources: HistorySources, symbol: Symbol) -> Instrument:
    declared = settings.instruments.get(symbol) or InstrumentDeclaration()
    listing = dict(zip(_INSTANTS, declared_listing(settings, symbol), strict=True))
    said = {
        name: value
        for name, value in {**declared.model_dump(), **listing}.items()
        if name in (*_TEXT, *_DECIMALS, *_INSTANTS) and value not in (None, "")
    }
    if said.keys() >= _NEEDED:
        return Instrument(symbol=symbol, base=said.pop("base", symbol), **said)
    (known,) = sources.of(symbol).instruments((symbol,))
    return replace(known, **said)


def _read(desk: Desk) -> dict[str, Instrument]:
    rows = desk.tables.read(INSTRUMENTS_TABLE, None, None).iter_rows(named=True)
    return {row["symbol"]: _instrument(row) for row in rows}


def _instrument(row: dict[str, Any]) -> Instrument:
    numbers: dict[str, Any] = {name: Decimal(row[name]) for name in _DECIMALS}
    instants: dict[str, Any] = {name: _micros(row.get(name)) for name in _INSTANTS}
    return Instrument(
        symbol=symbol_from_text(row["symbol"]),
        base=row["base"],
        quote=row["quote"],
        calendar=row["calendar"],
        asset_class=row["asset_class"],
        **numbers,
        **instants,
    )


def _micros(moment: datetime | None) -> Micros | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
