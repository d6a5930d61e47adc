"""A file of all history serves many months, and is decoded once for all of them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from trading_assets import bootstrap
from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.column_map import DecodedFiles
from trading_assets.settings import load_settings
from trading_assets.workflows.data_feed import VendorFeed
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_month import assemble_month, market_month

COIN = Symbol("COIN")
MONTHS = (Month(2024, 1), Month(2024, 2), Month(2024, 3))
DECLARED = """
    source = "files"
    symbols = ["COIN"]
    history_start = "2024-01"
    [sources.files]
    kind = "package"
    root = "."
    pattern = "{symbol}.parquet"
    newest_bar = "finished"
    columns = { ts = "ts", open = "o", high = "h", low = "l", close = "c" }
    """


def write_file(home: Path, close: float) -> None:
    opens = pl.int_range(MONTHS[0].start, MONTHS[-1].end, MINUTE, eager=True)
    frame = pl.DataFrame({"ts": opens}).with_columns(o=2.0, h=4.0, l=1.0, c=close)
    frame.write_parquet(home / "COIN.parquet")


@pytest.fixture
def desk_anew(tmp_path: Path) -> Callable[[], Desk]:
    (tmp_path / "trading_assets.toml").write_text(DECLARED)
    write_file(tmp_path, 3.0)
    return lambda: bootstrap.desk(load_settings({"TA_HOME": str(tmp_path)}).settings)


def test_all_its_months_decode_it_once_and_a_changed_one_again(
    tmp_path: Path, desk_anew: Callable[[], Desk]
) -> None:
    desk = desk_anew()
    for month in MONTHS:
        assert market_month(desk, COIN, month)[1].rows == month.days * 1440
    assert desk.decoded.decoded == 1
    start, end = MONTHS[0].start, MONTHS[-1].end
    feed = VendorFeed(desk).get_history(COIN, start, end, Timeframe.M1)
    assert feed.height == sum(month.days for month in MONTHS) * 1440
    assert desk.decoded.decoded == 1
    write_file(tmp_path, 3.5)
    restated = [market_month(desk, COIN, month)[1].metadata["restated"] for month in MONTHS]
    assert restated == [month.days * 1440 for month in MONTHS]
    assert desk.decoded.decoded == 2


def test_a_desk_knows_nothing_of_what_another_has_decoded(desk_anew: Callable[[], Desk]) -> None:
    first, second = desk_anew(), desk_anew()
    market_month(first, COIN, MONTHS[0])
    assert (first.decoded.decoded, second.decoded.decoded) == (1, 0)
    for month in MONTHS[:2]:
        market_month(second, COIN, month)
    assert second.decoded.decoded == 1


def test_the_stored_file_is_proven_for_every_month(desk_anew: Callable[[], Desk]) -> None:
    desk = desk_anew()
    for month in MONTHS[:2]:
        market_month(desk, COIN, month)
    raw = desk.raw.require("declared-files", COIN, MONTHS[1])
    path = desk.raw.path(raw, raw.objects[0])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    desk = dataclasses.replace(desk, tables=type(desk.tables)(desk.settings.home / "other"))
    with pytest.raises(CorruptFile, match="is damaged"):
        assemble_month(desk, COIN, MONTHS[1])


def test_rows_are_held_up_to_a_size_and_are_the_same_without(desk_anew: Callable[[], Desk]) -> None:
    desk = desk_anew()
    market_month(desk, COIN, MONTHS[0])
    forgetful = dataclasses.replace(desk, decoded=DecodedFiles(max_bytes=0))
    before = desk.tables.read("bars_1m", COIN, MONTHS[0])
    desk = dataclasses.replace(forgetful, tables=type(desk.tables)(desk.settings.home / "other"))
    for month in MONTHS[:2]:
        market_month(desk, COIN, month)
    assert desk.decoded.decoded == 2
    assert desk.tables.read("bars_1m", COIN, MONTHS[0]).equals(before)
