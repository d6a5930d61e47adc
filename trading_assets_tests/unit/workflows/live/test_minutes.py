"""Minutes come from the tables where they reach, and from the source beyond; never another's."""

from __future__ import annotations

import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.minutes import read_minutes
from trading_assets.workflows.publish_bars import publish_bars_1m

FEBRUARY, MARCH = Month.from_text("2020-02"), Month.from_text("2020-03")


@pytest.fixture
def filled(archive, archive_desk):
    for month in (FEBRUARY, MARCH):
        archive.put_month(month, without=[range(100, 110)])
    ingest_month(archive_desk, "BTCUSDT", FEBRUARY)
    publish_bars_1m(archive_desk, "BTCUSDT", FEBRUARY)
    return archive_desk


def test_tables_and_source_give_one_span(filled):
    start, end = MARCH.start - 60 * MINUTE, MARCH.start + 200 * MINUTE
    frame = read_minutes(filled, ["BTCUSDT"], start, end)["BTCUSDT"]

    assert frame.height == 60 + 190
    assert frame["ts"].is_sorted()
    assert filled.tables.months("bars_1m", "BTCUSDT") == (FEBRUARY,)


def test_tables_alone_need_no_source(filled, archive):
    for path in archive.root.rglob("*.zip"):
        path.unlink()
    start, end = FEBRUARY.start, FEBRUARY.start + 200 * MINUTE

    assert read_minutes(filled, ["BTCUSDT"], start, end)["BTCUSDT"].height == 190
