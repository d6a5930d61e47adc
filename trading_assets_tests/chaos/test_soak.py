"""A short soak holds, and the recount of the error budget is one of its own."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from trading_assets.simulation.chaos.slo_recount import minutes_of, share_left
from trading_assets.simulation.chaos.soak import soak

MINUTE = 60_000_000
START = 1_711_929_600_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@pytest.mark.slow
@pytest.mark.long
def test_a_short_soak_holds(tmp_path):
    verdict = soak(30, 3, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["orders_placed"] > 0
    assert verdict.figures["faults"] > 0
    assert verdict.figures["bad_minutes"] >= 3 * 4  # minutes without a process, of three symbols


def journal(path, rows):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, kind, ts, body)")
        connection.executemany(
            "INSERT INTO event (kind, ts, body) VALUES (?, ?, ?)",
            [(kind, ts, json.dumps(body)) for kind, ts, body in rows],
        )
    return path


def bar(number, *, late=False, symbols=SYMBOLS):
    rows = [{"symbol": symbol} for symbol in symbols]
    return "BarReady", START + number * MINUTE, {"late": late, "rows": rows}


def at(minutes):
    return START + round(minutes * MINUTE)


def test_minutes_are_good_where_their_bar_was_in_time(tmp_path):
    rows = [
        ("SessionOpened", at(0), {}),
        bar(0),
        bar(1, late=True),
        bar(2, symbols=SYMBOLS[:1]),
        bar(4),  # 3 is missing
        ("Reconciled", at(6), {}),
    ]

    assert minutes_of(journal(tmp_path / "j", rows), 2) == (5, 5)


def test_a_clean_stop_is_not_judged_and_a_fault_is_bad(tmp_path):
    rows = [
        ("SessionOpened", at(0), {}),
        bar(0),
        ("SessionClosed", at(1.5), {}),
        ("SessionOpened", at(3.5), {}),
        bar(4),
        ("TradingHalted", at(5.5), {"source": "cli"}),
        bar(5),
        ("TradingHalted", at(6.5), {"source": "watchdog"}),
        bar(6),
        ("TradingResumed", at(7.5), {}),
        bar(8),
        ("Reconciled", at(10), {}),
    ]

    assert minutes_of(journal(tmp_path / "j", rows), 2) == (8, 4)


def test_the_share_left_is_of_thirty_days_of_all_symbols():
    assert share_left(108, 1) == pytest.approx(0.5)
    assert share_left(0, 3) == 1.0
