"""Forecasts of outside as a file: nothing in it changes, and nothing that trades reads it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import trading_assets
from trading_assets.domain.errors import StorageUnavailable
from trading_assets.storage.received_forecasts import ReceivedForecasts

NAME = (1_711_929_600_000_000, "BTCUSDT", "1h", "outside-1")
SAID = {"asset": "BTCUSDT", "prediction": 0.1}


def test_a_row_is_neither_changed_nor_removed(tmp_path):
    store = ReceivedForecasts(tmp_path)
    store.add(NAME, SAID, received=1, sender="ann")
    with closing(sqlite3.connect(tmp_path / "forecasts.sqlite")) as db:
        for query in ("UPDATE received SET sender = 'bob'", "DELETE FROM received"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                db.execute(query)
    (row,) = store.newest(["BTCUSDT"], "", 0, 2**62, count=9)
    assert row == {"ts": NAME[0], "said": SAID, "received": 1, "sender": "ann"}


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "forecasts.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageUnavailable, match="cannot be used"):
        ReceivedForecasts(tmp_path).newest(["BTCUSDT"], "", 0, 2**62, count=9)


def test_only_the_list_for_people_reads_it():
    root = Path(trading_assets.__file__).parent
    users = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "received_forecasts" in path.read_text(encoding="utf-8")
    }
    assert users == {
        "workflows/forecast_listing.py",
        "workflows/receive_forecast.py",
    }
