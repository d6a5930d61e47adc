"""Declared columns: what is unambiguous loads, everything else is an error that says why."""

import gzip
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from trading_assets.declarations.packages import Package
from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.bar_frame import TS
from trading_assets.market.column_map import DecodedFiles, file_rows, object_rows
from trading_assets.market.history import VendorObject

MARCH = Month(2024, 3)
NAMED = {"ts": "time", "open": "open", "high": "high", "low": "low", "close": "close"}
LINES = "TIME,Open,HIGH,low,Close\n1709251200000,10,12,9,11\n1709251260000,11,13,10,12\n"


def declared(**changes: Any) -> Package:
    facts = {"kind": "package", "root": Path("/x"), "pattern": "{symbol}.csv", "columns": NAMED}
    return Package.model_validate(facts | changes)


def item(kind: str = "package_csv", start: int = MARCH.start, end: int = MARCH.end) -> VendorObject:
    return VendorObject("a.csv", kind, start, end, finished=True)  # type: ignore[arg-type]


def load(text: str, **changes: Any) -> pl.DataFrame:
    return file_rows(declared(**changes), item(), text.encode())


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    prices = {name: [10.0] for name in ("open", "high", "low", "close")}
    pl.DataFrame({**prices, **columns}).write_parquet(buffer)
    return buffer.getvalue()


def test_names_match_in_any_case_and_absent_amounts_are_null():
    frame = load(LINES)
    assert frame.schema == DECODED_SCHEMA
    assert frame["ts"].to_physical().to_list() == [MARCH.start, MARCH.start + MINUTE]
    assert frame["close"].to_list() == [11.0, 12.0]
    assert frame["volume"].null_count() == 2


def test_a_file_may_be_plain_packed_or_zipped():
    plain = load(LINES)
    packed = file_rows(declared(), item("package_csv_gz"), gzip.compress(LINES.encode()))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", LINES)
    zipped = file_rows(declared(), item("package_zip"), buffer.getvalue())
    assert packed.equals(plain)
    assert zipped.equals(plain)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (LINES.replace("low", "OPEN"), "one column 'open', in any case.*found 2 among"),
        (LINES.replace("Close", "last"), "one column 'close'.*found none among"),
        (LINES.replace("11,13", "eleven,13"), "a number as open in every row.*'eleven' in row 2"),
        (LINES.replace("11,13", ",13"), "a number as open in every row.*row 2"),
        (LINES.replace("1709251260000", "1709251260"), "magnitude tells s, ms or us"),
        (LINES.replace("17092512", "92512"), "magnitude tells s, ms or us"),
        (LINES.replace("1709251200000", "2024-03-01"), "declared time.format"),
        (LINES.replace("9,11\n", "9\n"), "more fields than"),
        (LINES.replace("9,11\n", "9,11,7\n"), "5 fields per line.*found 6"),
    ],
)
def test_what_can_be_meant_in_two_ways_is_refused(text: str, match: str):
    with pytest.raises(CorruptFile, match=f"(?s)a.csv.*{match}"):
        load(text)


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 1000), ("us", 10**6)])
def test_epochs_of_each_unit_give_the_same_instant_declared_or_told(unit: str, per_second: int):
    second = MARCH.start // 10**6
    text = f"time,open,high,low,close\n{second * per_second},1,1,1,1\n"
    for time in ({}, {"unit": unit}):
        assert load(text, time=time)["ts"].to_physical().to_list() == [MARCH.start]


def test_local_times_need_a_zone_and_one_that_a_clock_shows_twice_is_refused():
    text = "time,open,high,low,close\n{},1,1,1,1\n"
    how = {"format": "%Y-%m-%d %H:%M"}
    with pytest.raises(CorruptFile, match=r"declared time\.zone"):
        load(text.format("2024-03-08 09:30"), time=how)
    new_york = how | {"zone": "America/New_York"}
    frame = load(text.format("2024-03-11 09:30"), time=new_york)
    assert str(frame["ts"][0]) == "2024-03-11 13:30:00+00:00"
    for odd in ("2024-11-03 01:30", "2024-03-10 02:30"):
        with pytest.raises(CorruptFile, match="clocks of America/New_York show just once"):
            load(text.format(odd), time=new_york)


def test_bars_that_bear_their_close_are_put_back_to_their_open():
    frame = load(LINES, label="close")
    assert frame["ts"].to_physical().to_list() == [MARCH.start - MINUTE, MARCH.start]


def test_prices_are_divided_with_one_rounding_and_quotes_meet_in_the_middle():
    columns = {"ts": 1, "bid": [2, 3, 4, 5], "ask": [6, 7, 8, 9]}
    text = f"{MARCH.start // 1000},130029,130030,130000,130010,130031,130040,130002,130012\n"
    frame = load(text, columns=columns, header=False, price_divisor=10000)
    assert frame.row(0)[1:5] == (13.003, 13.0035, 13.0001, 13.0011)


def test_daily_bars_get_their_date_at_midnight_utc_whatever_the_type():
    day = date(2024, 3, 4)
    daily = {"timeframe": "1d", "pattern": "{symbol}.parquet", "columns": NAMED}
    for time in (pl.Series([day]), pl.Series([day]).cast(pl.Datetime("ms"))):
        frame = file_rows(declared(**daily), item("package_parquet"), parquet(time=time))
        assert frame["ts"].to_physical().to_list() == [MARCH.start + 3 * DAY]
    midnight = pl.Series([MARCH.start + 3 * DAY + 300 * MINUTE]).cast(TS)
    with pytest.raises(CorruptFile, match="midnights of UTC"):
        file_rows(declared(**daily), item("package_parquet"), parquet(time=midnight))
    local = declared(**daily, time={"zone": "America/New_York"})
    frame = file_rows(local, item("package_parquet"), parquet(time=midnight))
    assert frame["ts"].to_physical().to_list() == [MARCH.start + 3 * DAY]


def test_a_column_of_the_wrong_type_is_not_cast():
    bad = parquet(time=[MARCH.start], close=[True])
    package = declared(pattern="{symbol}.parquet")
    with pytest.raises(CorruptFile, match=r"numbers as close.*Boolean"):
        file_rows(package, item("package_parquet"), bad)


def test_counts_are_whole():
    columns = NAMED | {"n_trades": "trades"}
    text = "time,open,high,low,close,trades\n1709251200000,1,1,1,1,{}\n"
    assert load(text.format("7"), columns=columns)["n_trades"].to_list() == [7]
    with pytest.raises(CorruptFile, match="whole numbers as n_trades"):
        load(text.format("7.5"), columns=columns)


def test_a_file_of_one_date_must_hold_nothing_else_and_one_of_all_history_is_cut():
    second = item(start=MARCH.start, end=MARCH.start + MINUTE)
    assert object_rows(declared(), second, LINES.encode()).height == 1
    dated = declared(pattern="{symbol}-{date}.csv")
    with pytest.raises(CorruptFile, match="1 others, the first ts 2024-03-01 00:01"):
        object_rows(dated, second, LINES.encode())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"pattern": "bars.csv"}, "a path with {symbol}"),
        ({"pattern": "{symbol}-{month}-{date}.csv"}, "at most one of"),
        ({"pattern": "../{symbol}.csv"}, "a path below root"),
        ({"pattern": "{symbol}.feather"}, "ends with one of"),
        ({"columns": {"ts": 1, "open": 2}}, "open, high, low and close, or else bid and ask"),
        ({"header": False}, "columns by their place"),
        ({"time": {"zone": "Mars"}}, "a time zone of the IANA list"),
        ({"time": {"unit": "s", "format": "%Y"}}, "not both"),
        ({"time": {"unit": "ms_of_day", "zone": "UTC"}}, r"a pattern with \{date\}"),
        ({"timeframe": "1d", "label": "close"}, "labelled by its date"),
        ({"colour": 1}, "Extra inputs"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changes: dict[str, Any], match: str):
    with pytest.raises(ValidationError, match=match):
        declared(**changes)


def test_equal_bytes_that_are_declared_otherwise_are_decoded_anew():
    files, data = DecodedFiles(), LINES.encode()
    whole, hundredths = declared(), declared(price_divisor=100)
    for _ in range(2):
        assert object_rows(whole, item(), data, files)["close"].to_list() == [11.0, 12.0]
        assert object_rows(hundredths, item(), data, files)["close"].to_list() == [0.11, 0.12]
    assert files.decoded == 2


def test_files_of_one_date_are_not_held():
    files, dated = DecodedFiles(), declared(pattern="{symbol}-{month}.csv")
    first = object_rows(dated, item(), LINES.encode(), files)
    assert object_rows(dated, item(), LINES.encode(), files).equals(first)
    assert files.decoded == 0
