"""The vendor's bytes become rows."""

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import CorruptFile
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.bar_frame import TS
from trading_assets.market.decoding import check_container, decode
from trading_assets.market.oddities import CLOSE_TS

MS = 1_709_251_200_000  # 2024-03-01
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,b,q,ignore\n"


def line(ts: int = MS, **fields: str) -> str:
    values = {"open": "10", "high": "12.5", "low": "9", "close": "11", "volume": "3"} | fields
    prices = ",".join(values[name] for name in ("open", "high", "low", "close", "volume"))
    return f"{ts},{prices},{ts + 59_999},33.5,7,1,11,0\n"


def zipped(text: str, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("BTCUSDT-1m-2024-03.csv",):
            archive.writestr(name, text)
    return buffer.getvalue()


def page(*rows: list[object]) -> bytes:
    return json.dumps(rows).encode()


def row(ts: int = MS, **fields: object) -> list[object]:
    values = {"open": "10", "high": "12.5", "low": "9", "close": "11", "volume": "3"} | fields
    prices = [values[name] for name in ("open", "high", "low", "close", "volume")]
    return [ts, *prices, ts + 59_999, "33.5", 7, "1", "11", "0"]


def test_csv_and_json_give_the_same_rows() -> None:
    from_csv = decode("zip_csv", zipped(line()), "a")
    from_json = decode("klines_json", page(row()), "b")
    assert from_csv.schema == {**DECODED_SCHEMA, CLOSE_TS: TS}
    assert from_csv.equals(from_json)
    assert from_csv["ts"].to_physical().to_list() == [MS * 1000]
    assert from_csv.row(0)[1:-1] == (10.0, 12.5, 9.0, 11.0, 3.0, 33.5, 7)
    assert from_csv[CLOSE_TS].to_physical().to_list() == [(MS + 59_999) * 1000]


def test_a_header_line_is_recognised() -> None:
    plain, headed = (decode("zip_csv", zipped(text), "a") for text in (line(), HEADER + line()))
    assert headed.equals(plain)


def test_milliseconds_and_microseconds_may_be_mixed_in_one_file() -> None:
    text = line(MS) + line((MS + 60_000) * 1000)
    assert decode("zip_csv", zipped(text), "a")["ts"].to_physical().to_list() == [
        MS * 1000,
        (MS + 60_000) * 1000,
    ]


def test_seconds_are_refused() -> None:
    with pytest.raises(CorruptFile, match="neither milliseconds nor microseconds"):
        decode("zip_csv", zipped(line(MS // 1000)), "a")


def test_an_early_close_time_and_disorder_are_the_vendors_and_stay() -> None:
    early = line(MS).replace(str(MS + 59_999), str(MS))
    rows = decode("zip_csv", zipped(line(MS + 60_000) + early + early), "a")
    assert rows["ts"].to_physical().to_list() == [(MS + 60_000) * 1000, MS * 1000, MS * 1000]
    assert rows[CLOSE_TS].to_physical().to_list()[1:] == [MS * 1000, MS * 1000]


def test_empty_objects_have_no_rows() -> None:
    for rows in (decode("zip_csv", zipped(""), "a"), decode("klines_json", b"[]", "b")):
        assert rows.is_empty()
        assert rows.schema == {**DECODED_SCHEMA, CLOSE_TS: TS}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        zipped(line())[:-30],
        zipped(line()).replace(b"PK\x01\x02", b"PK\x01\x03"),
        zipped(line() * 50)[:60] + b"\xff" + zipped(line() * 50)[61:],
    ],
    ids=["empty", "stump", "truncated", "directory", "flipped"],
)
def test_a_damaged_zip_is_named(data: bytes) -> None:
    for check in (check_container, decode):
        with pytest.raises(CorruptFile, match=r"Zip BTC\.zip cannot be opened"):
            check("zip_csv", data, "BTC.zip")


@pytest.mark.parametrize("names", [("a.txt",), ("a.csv", "b.csv")])
def test_a_zip_holds_one_csv(names: tuple[str, ...]) -> None:
    with pytest.raises(CorruptFile, match="does not hold one CSV"):
        decode("zip_csv", zipped(line(), *names), "BTC.zip")


@pytest.mark.parametrize(
    "text",
    [
        line(high="x"),
        line(high=""),
        line().replace(",7,", ",7.5,"),
        line() + f"{MS + 60_000},1,2\n",
        line()[:-3] + "\n",
        line()[:-1] + ",9\n",
        "<html>not found</html>\n",
    ],
    ids=["text", "hole", "fraction", "short line", "eleven", "thirteen", "html"],
)
def test_a_csv_that_is_not_bars_is_named(text: str) -> None:
    with pytest.raises(CorruptFile, match=r"Object BTC\.zip cannot be read as bars"):
        decode("zip_csv", zipped(text), "BTC.zip")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b"[[1, 2]]",
        page(row())[:-4],
        page(row(high="x")),
        page(row(), row(MS + 60_000, high=None)),
    ],
)
def test_a_page_that_is_not_bars_is_named(data: bytes) -> None:
    with pytest.raises(CorruptFile, match="Object page-7 cannot be read as bars"):
        decode("klines_json", data, "page-7")


def test_a_page_is_checked_before_it_is_stored() -> None:
    check_container("klines_json", b"[]", "page")
    with pytest.raises(CorruptFile, match="not a page of bars"):
        check_container("klines_json", b'{"code":-1000}', "page")


@given(st.decimals(min_value="1e-8", max_value="1e12", places=8, allow_nan=False))
def test_numbers_are_the_nearest_floats_in_both_forms(value: object) -> None:
    text = f"{value:f}"
    for rows in (
        decode("zip_csv", zipped(line(volume=text)), "a"),
        decode("klines_json", page(row(volume=text)), "b"),
    ):
        assert rows["volume"][0] == float(text)
