"""Instruments from what Binance says about its symbols."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Symbol, symbol_from_text
from trading_assets.domain.instrument import Instrument

_USUAL_GRIDS = {  # base: tick, lot; minimum 5 USDT; as of 2026
    "BTC": ("0.01", "0.00001"),
    "ETH": ("0.01", "0.0001"),
    "SOL": ("0.01", "0.001"),
    "BNB": ("0.01", "0.001"),
    "XRP": ("0.0001", "0.1"),
    "ADA": ("0.0001", "0.1"),
    "DOGE": ("0.00001", "1"),
    "LTC": ("0.01", "0.001"),
    "LINK": ("0.01", "0.01"),
}


def instrument_from_entry(entry: Mapping[str, Any]) -> Instrument:
    """Read one entry of `symbols` in an answer of `GET /api/v3/exchangeInfo`.

    Raises:
        DataError: if a field is missing or is not a number.
    """
    try:
        filters = {item["filterType"]: item for item in entry["filters"]}
        notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {"minNotional": "0"}
        return Instrument(
            symbol=symbol_from_text(entry["symbol"]),
            base=str(entry["baseAsset"]),
            quote=str(entry["quoteAsset"]),
            tick=_tick(filters["PRICE_FILTER"], entry),
            lot=Decimal(filters["LOT_SIZE"]["stepSize"]).normalize(),
            min_notional=Decimal(notional["minNotional"]),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise DataError(
            "The venue's description of a symbol cannot be read",
            expected="baseAsset, quoteAsset and the filters PRICE_FILTER and LOT_SIZE",
            found=f"{type(error).__name__} {error} in {str(dict(entry))[:200]}",
        ) from None


def _tick(price: Mapping[str, Any], entry: Mapping[str, Any]) -> Decimal:
    """Give the step of prices; a zero switches that rule off, and what digits can say is left."""
    step = Decimal(price["tickSize"]).normalize()
    return step or Decimal(1).scaleb(-int(entry["quotePrecision"]))


def usual_entry(symbol: Symbol) -> Mapping[str, Any] | None:
    """Give the entry of a well-known USDT symbol, for sources that have no description."""
    base = symbol.removesuffix("USDT")
    grid = _USUAL_GRIDS.get(base) if symbol != base else None
    if grid is None:
        return None
    return {
        "symbol": symbol,
        "baseAsset": base,
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": grid[0]},
            {"filterType": "LOT_SIZE", "stepSize": grid[1]},
            {"filterType": "NOTIONAL", "minNotional": "5"},
        ],
    }
