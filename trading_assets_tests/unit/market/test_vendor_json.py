"""Answers of EODHD and Polygon become rows, or are refused by name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.decoding import check_container, decode

START = Month(2024, 3).start + 14 * 60 * MINUTE


def eodhd_minute(number: int, **fields: Any) -> dict[str, Any]:
    stamp = (START + number * MINUTE) // 1_000_000
    row = {"timestamp": stamp, "gmtoffset": 0, "datetime": "unused", "volume": 100}
    return row | {"open": 1.5, "high": 2, "low": 1.0, "close": 1.25} | fields


def eodhd_day(date: str, **fields: Any) -> dict[str, Any]:
    prices = {"open": 187.15, "high": 188.44, "low": 183.89, "close": 185.64}
    return {"date": date, **prices, "adjusted_close": 92.82, "volume": 82488300} | fields


def polygon(*rows: dict[str, Any], **fields: Any) -> bytes:
    page = {"ticker": "AAPL", "adjusted": False, "status": "OK", "resultsCount": len(rows)}
    return json.dumps(page | ({"results": rows} if rows else {}) | fields).encode()


def polygon_minute(number: int, **fields: Any) -> dict[str, Any]:
    stamp = (START + number * MINUTE) // 1000
    row = {"t": stamp, "o": 1.5, "h": 2, "l": 1.0, "c": 1.25, "v": 1.029145e06, "vw": 1.3}
    return row | {"n": 7} | fields


def of_eodhd(*rows: dict[str, Any]) -> Any:
    return decode("eodhd_json", json.dumps(rows).encode(), "AAPL")


def test_minutes_of_eodhd_are_utc_and_give_what_the_vendor_gives() -> None:
    frame = of_eodhd(eodhd_minute(0), eodhd_minute(1, volume=0))
    assert frame.schema == DECODED_SCHEMA
    assert frame["ts"].to_physical().to_list() == [START, START + MINUTE]
    assert frame.row(0)[1:] == (1.5, 2.0, 1.0, 1.25, 100.0, None, None)


def test_days_of_eodhd_are_as_traded_never_adjusted() -> None:
    frame = of_eodhd(eodhd_day("2024-03-01"), eodhd_day("2024-03-04"))
    assert frame["ts"].to_physical().to_list() == [
        Month(2024, 3).start,
        Month(2024, 3).start + 3 * DAY,
    ]
    assert frame["close"].to_list() == [185.64, 185.64]
    with pytest.raises(CorruptFile, match="mixes adjusted and unadjusted"):
        of_eodhd(eodhd_day("2024-03-01", close=92.82))


def test_a_minute_without_prices_and_the_closing_print_are_not_bars() -> None:
    silent = dict.fromkeys(("open", "high", "low", "close", "volume"))
    printed = {"open": 1.3, "high": 1.3, "low": 1.3, "close": 1.3, "volume": None}
    frame = of_eodhd(eodhd_minute(0), eodhd_minute(1, **silent), eodhd_minute(2, **printed))
    assert frame["ts"].to_physical().to_list() == [START]
    unknown = of_eodhd(eodhd_minute(0), eodhd_minute(1, volume=None))
    assert unknown["volume"].to_list() == [100.0, None]


def test_a_source_without_volume_keeps_its_flat_bars() -> None:
    flat = {"open": 1.3, "high": 1.3, "low": 1.3, "close": 1.3, "volume": None}
    frame = of_eodhd(eodhd_minute(0, volume=None), eodhd_minute(1, **flat))
    assert frame["volume"].to_list() == [None, None]


def test_pages_of_polygon_follow_each_other() -> None:
    data = polygon(polygon_minute(0)) + b"\n" + polygon() + b"\n" + polygon(polygon_minute(1))
    frame = decode("polygon_json", data, "AAPL")
    assert frame.schema == DECODED_SCHEMA
    assert frame["ts"].to_physical().to_list() == [START, START + MINUTE]
    assert frame.row(1)[1:] == (1.5, 2.0, 1.0, 1.25, 1029145.0, None, 7)


def test_an_answer_without_bars_is_an_empty_table() -> None:
    for frame in (of_eodhd(), decode("polygon_json", polygon(), "AAPL")):
        assert (frame.schema, frame.height) == (DECODED_SCHEMA, 0)


def test_adjusted_prices_of_polygon_are_refused() -> None:
    for data in (polygon(adjusted=True), polygon(adjusted=None)):
        with pytest.raises(CorruptFile, match="adjusted for splits"):
            decode("polygon_json", data, "AAPL")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("eodhd_json", b'[{"date": "2024-03-0'),
        ("eodhd_json", b'{"errors": []}'),
        ("eodhd_json", b"[1]"),
        ("eodhd_json", json.dumps([eodhd_day("yesterday")]).encode()),
        ("eodhd_json", json.dumps([eodhd_minute(0, gmtoffset=3600)]).encode()),
        ("eodhd_json", json.dumps([eodhd_minute(0, open="NA")]).encode()),
        ("polygon_json", b"[]"),
        ("polygon_json", polygon(polygon_minute(0))[:-9]),
        ("polygon_json", polygon(polygon_minute(0), resultsCount=2)),
        ("polygon_json", polygon(polygon_minute(0, t="noon"))),
        ("polygon_json", polygon({"t": 1})),
    ],
)
def test_what_cannot_be_read_is_named(kind: Any, data: bytes) -> None:
    with pytest.raises(CorruptFile, match="AAPL-w1"):
        decode(kind, data, "AAPL-w1")


@pytest.mark.parametrize("kind", ["eodhd_json", "polygon_json"])
def test_a_container_is_checked_before_it_is_stored(kind: Any) -> None:
    good = b"[]" if kind == "eodhd_json" else polygon()
    check_container(kind, good, "AAPL")
    checks: tuple[Callable[[], None], ...] = (
        lambda: check_container(kind, good[:-1], "AAPL"),
        lambda: check_container(kind, b"<html></html>", "AAPL"),
    )
    for check in checks:
        with pytest.raises(CorruptFile, match="AAPL"):
            check()
