"""Instruments of the desk: published as a versioned table, read back as values."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.market.history import HistorySource
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import store_of
from trading_assets.workflows.ingest_month import history_or_own
from trading_assets.workflows.market_tables import CODE_VERSION, published_from_manifest
from trading_assets.workflows.published import Published

INSTRUMENTS_TABLE = "instruments"

_TEXT = ("symbol", "base", "quote", "calendar", "asset_class")
_DECIMALS = ("tick", "lot", "min_notional", "point_value")


def publish_instruments(desk: Desk, *, history: HistorySource | None = None) -> Published:
    """Ask the source for the grid of every symbol in settings, and publish the table.

    Raises:
        UnknownSymbol: if the source does not list one of them.
        VenueError: if the source cannot be reached.
    """
    with history_or_own(desk, history) as source:
        instruments = source.instruments(desk.settings.symbols)
    frame = pl.DataFrame(
        [
            {
                **{name: str(getattr(instrument, name)) for name in _TEXT},
                **{name: f"{getattr(instrument, name):f}" for name in _DECIMALS},
            }
            for instrument in instruments
        ]
    )
    manifest, changed = desk.tables.publish(
        INSTRUMENTS_TABLE,
        None,
        None,
        frame,
        code_version=CODE_VERSION,
        parents={},
        extra={"store": store_of(desk.settings)},
    )
    return published_from_manifest(
        desk.tables, manifest, changed=changed, symbols=list(desk.settings.symbols)
    )


def list_instruments(desk: Desk) -> tuple[Instrument, ...]:
    """Give the instruments of the settings, in their order.

    The table is read; it is published first when it is missing, of another source, or lacks a
    symbol.

    Raises:
        UnknownSymbol: if the source does not list a symbol.
        CorruptFile: if the table's file is damaged.
        VenueError: if the source is needed and cannot be reached.
    """
    current = desk.tables.current(INSTRUMENTS_TABLE, None, None)
    if current is None or current.extra["store"] != store_of(desk.settings):
        publish_instruments(desk)
    known = _read(desk)
    if not set(desk.settings.symbols) <= set(known):
        publish_instruments(desk)
        known = _read(desk)
    return tuple(known[symbol] for symbol in desk.settings.symbols)


def _read(desk: Desk) -> dict[str, Instrument]:
    rows = desk.tables.read(INSTRUMENTS_TABLE, None, None).iter_rows(named=True)
    return {row["symbol"]: _instrument(row) for row in rows}


def _instrument(row: dict[str, str]) -> Instrument:
    return Instrument(
        symbol=symbol_from_text(row["symbol"]),
        base=row["base"],
        quote=row["quote"],
        calendar=row["calendar"],
        asset_class=row["asset_class"],
        **{name: Decimal(row[name]) for name in _DECIMALS},
    )
