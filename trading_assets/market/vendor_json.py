"""Answers of EODHD and Polygon become rows: raw prices only, nothing filled, nothing adjusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Micros
from trading_assets.market.archive_files import DECODED_SCHEMA

_PRICES = ("open", "high", "low", "close")
_SECOND = 1_000_000
_MS = 1_000
_POLYGON_NAMES = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}


def decode_eodhd(data: bytes, name: str) -> pl.DataFrame:
    """Decode an answer of EODHD's `/eod` (field `date`) or `/intraday` (field `timestamp`).

    Prices are those that were traded: `adjusted_close` is left alone, and a daily close outside
    its own low and high is refused, for then the prices are adjusted in part only. Daily volume is
    adjusted for splits by EODHD itself. Two kinds of rows are not bars and are left out: a minute
    whose prices are all null had no trade, and a row with one price and no volume, among rows with
    volume, is the closing print that EODHD appends to a session.

    Args:
        data: a JSON list.
        name: of the object, for messages.

    Returns:
        DECODED_SCHEMA; `ts` of a daily bar is its date at 00:00 UTC.

    Raises:
        CorruptFile: naming what cannot be read.
    """
    rows = [row for row in eodhd_rows(data, name) if any(row[p] is not None for p in _PRICES)]
    has_volume = any(row["volume"] is not None for row in rows)
    bars = [row for row in rows if not (has_volume and _is_closing_print(row))]
    for row in bars:
        _require_raw(row, name)
    columns: dict[str, list[Any]] = {field: [row[field] for row in bars] for field in _PRICES}
    columns["volume"] = [row["volume"] for row in bars]
    return _frame([eodhd_ts(row, name) for row in bars], columns, name)


def eodhd_rows(data: bytes, name: str) -> list[dict[str, Any]]:
    """Read the rows of an answer of EODHD, as dictionaries with all fields of a bar.

    Raises:
        CorruptFile: if it is not a whole list of bars.
    """
    rows = _parsed(data, name)
    needed = {*_PRICES, "volume"}
    if not isinstance(rows, list) or not all(
        isinstance(r, dict) and r.keys() >= needed for r in rows
    ):
        raise _unreadable(name, "a JSON list of bars", data)
    return rows


def eodhd_ts(row: dict[str, Any], name: str) -> Micros:
    """Give the open time of a row of EODHD: seconds since 1970, or a date.

    Raises:
        CorruptFile: if it is neither.
    """
    stamp, day = row.get("timestamp"), row.get("date")
    if isinstance(stamp, int) and row.get("gmtoffset", 0) == 0:
        return stamp * _SECOND
    try:
        moment = datetime.strptime(str(day), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _unreadable(name, "a timestamp in UTC or a date", repr(row).encode()) from None
    return int(moment.timestamp()) * _SECOND


def check_eodhd(data: bytes, name: str) -> None:
    """Tell by its ends whether this is a list.

    Raises:
        CorruptFile: if it is not.
    """
    text = data.strip()
    if not (text[:1] == b"[" and text[-1:] == b"]"):
        raise _unreadable(name, "a JSON list of bars", data)


def decode_polygon(data: bytes, name: str) -> pl.DataFrame:
    """Decode the pages of one window of Polygon's aggregates, one JSON object after the other.

    Args:
        data: pages as the adapter has joined them.
        name: of the object, for messages.

    Returns:
        DECODED_SCHEMA. Polygon gives no quote volume; the number of trades is null when no bar
        has it.

    Raises:
        CorruptFile: naming what cannot be read, or that prices are adjusted.
    """
    bars = [row for page in polygon_pages(data, name) for row in polygon_rows(page, name)]
    columns = {ours: [row[theirs] for row in bars] for ours, theirs in _POLYGON_NAMES.items()}
    columns["n_trades"] = [row.get("n") for row in bars]
    return _frame([polygon_ts(row, name) for row in bars], columns, name)


def polygon_pages(data: bytes, name: str) -> list[dict[str, Any]]:
    """Split the joined pages of a window; each must say that it is not adjusted.

    Raises:
        CorruptFile: if one is not whole, or is adjusted for splits.
    """
    text, pages, at = data.decode("utf-8", "replace").strip(), [], 0
    decoder = json.JSONDecoder()
    while at < len(text):
        try:
            page, at = decoder.raw_decode(text, at)
        except ValueError:
            raise _unreadable(name, "whole JSON objects", text[at:].encode()) from None
        if not isinstance(page, dict):
            raise _unreadable(name, "JSON objects", data)
        if page.get("adjusted") is not False:
            raise CorruptFile(
                f"Object {name} holds prices that are adjusted for splits",
                expected='"adjusted": false, as was asked for',
                found=f'"adjusted": {json.dumps(page.get("adjusted"))}',
                fix="Nothing is mixed: raw prices come from the vendor, splits from the desk.",
            )
        pages.append(page)
        at += len(text[at:]) - len(text[at:].lstrip())
    return pages


def polygon_rows(page: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Give the bars of one page; Polygon leaves `results` out when there are none.

    Raises:
        CorruptFile: if they are not as many bars as the page says.
    """
    rows = page.get("results") or []
    needed = {*_POLYGON_NAMES.values(), "t"}
    if not isinstance(rows, list) or not all(
        isinstance(r, dict) and r.keys() >= needed for r in rows
    ):
        raise _unreadable(name, "a list of bars in `results`", repr(rows).encode())
    if page.get("resultsCount", len(rows)) != len(rows):
        raise _unreadable(
            name, f"{page['resultsCount']} bars, as resultsCount says", f"{len(rows)}".encode()
        )
    return rows


def polygon_ts(row: dict[str, Any], name: str) -> Micros:
    """Give the open time of a bar of Polygon: milliseconds since 1970.

    Raises:
        CorruptFile: if it is not a whole number.
    """
    if not isinstance(row["t"], int):
        raise _unreadable(name, "`t` in milliseconds", repr(row).encode())
    return row["t"] * _MS


def check_polygon(data: bytes, name: str) -> None:
    """Tell by its ends whether these are JSON objects.

    Raises:
        CorruptFile: if they are not.
    """
    text = data.strip()
    if not (text[:1] == b"{" and text[-1:] == b"}"):
        raise _unreadable(name, "JSON objects", data)


def _is_closing_print(row: dict[str, Any]) -> bool:
    return row["volume"] is None and len({row[price] for price in _PRICES}) == 1


def _require_raw(row: dict[str, Any], name: str) -> None:
    """Refuse a daily bar whose close is adjusted while its other prices are not."""
    low, high, close = row["low"], row["high"], row["close"]
    if "adjusted_close" in row and None not in (low, high, close) and not low <= close <= high:
        raise CorruptFile(
            f"Object {name} mixes adjusted and unadjusted prices",
            expected="a close between low and high, all as traded",
            found=str(row)[:200],
            fix="Nothing was published. Ask the vendor for this day.",
        )


def _frame(ts: list[Micros], columns: dict[str, list[Any]], name: str) -> pl.DataFrame:
    try:
        frame = pl.DataFrame(
            {
                "ts": pl.Series(ts, dtype=pl.Int64).cast(DECODED_SCHEMA["ts"]),
                **{
                    field: pl.Series(columns.get(field, [None] * len(ts)), strict=False).cast(dtype)
                    for field, dtype in DECODED_SCHEMA.items()
                    if field != "ts"
                },
            },
            schema=DECODED_SCHEMA,
        )
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise _unreadable(name, "numbers", str(error).encode()) from None
    return frame


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise _unreadable(name, "whole JSON", data) from None


def _unreadable(name: str, expected: str, found: bytes) -> CorruptFile:
    return CorruptFile(
        f"Object {name} cannot be read as bars",
        expected=expected,
        found=repr(found[:60]),
        fix="Get it from the vendor again; if it comes back the same, the vendor changed a format.",
    )
