"""Figures of a book follow from its files, are counted once, and go on where reading stopped."""

from __future__ import annotations

import pytest

from trading_assets.domain.events import SessionClosed, TradingHalted, TradingResumed
from trading_assets.storage.alert_file import AlertFile
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.live_metrics import DeskMetrics
from trading_assets.workflows.slo_report import budget_left
from trading_assets_tests.stand_ins.measured_book import MINUTE, MS, Hand, measured_book

OPENED = 29_000_000 * MINUTE


@pytest.fixture
def book(tmp_path):
    with measured_book(tmp_path, Hand(OPENED)) as made:
        made.open_session(OPENED)
        yield made


@pytest.fixture
def metrics(book):
    return DeskMetrics(book.desk)


def test_obs_03_every_figure_is_what_the_rows_say(book, metrics):
    book.bar(OPENED)
    book.order(OPENED, rtt_ms=20)
    book.order(OPENED, symbol="ETHUSDT", rtt_ms=300, ends="refusal")
    book.order(OPENED, rtt_ms=2_000, ends="silence")
    book.command()
    book.command(refused="no such symbol")
    book.bar(OPENED + MINUTE, lag_ms=250, equity="990", symbols=("BTCUSDT",))
    (found,) = metrics.figures()

    sent, filled, refused = (
        dict(found.of_symbol[f"{name}_total"]) for name in ("orders_sent", "fills", "rejects")
    )
    assert sent == {"BTCUSDT": 2, "ETHUSDT": 1}
    assert filled == {"BTCUSDT": 1, "ETHUSDT": 0}
    assert refused == {"BTCUSDT": 0, "ETHUSDT": 1}
    counters, gauges = found.counters, found.gauges
    assert (counters["errors_total"], counters["unknown_outcomes_total"]) == (2, 1)
    assert (counters["commands_total"], counters["commands_refused_total"]) == (2, 1)
    assert gauges["error_rate"] == pytest.approx(2 / 3)
    assert (gauges["equity"], gauges["pnl_intraday"], gauges["drawdown"]) == (990, -10, 0.05)
    assert gauges["journal_lag_seconds"] == 0.25
    # The second bar had no word of ETH: its feed is a bar older than the book's.
    assert found.of_symbol["feed_age_seconds"] == {"BTCUSDT": 0.25, "ETHUSDT": 60.25}
    assert gauges["bar_lag_seconds"] == 0.25
    rtt = found.timers["order_rtt_seconds"]
    assert (sum(rtt.counts), rtt.total_s) == (3, pytest.approx(2.32))
    assert [n for n in rtt.counts if n] == [1, 1, 1]


def test_a_second_look_reads_only_what_is_new(book, metrics, monkeypatch):
    book.bar(OPENED)
    metrics.figures()
    book.order(OPENED)
    asked = []
    rows = JournalReader.rows
    monkeypatch.setattr(
        JournalReader, "rows", lambda self, since=0: (asked.append(since), rows(self, since))[1]
    )
    (found,) = metrics.figures()

    assert asked == [2, 3]  # the last row that was read, to know the journal by, and what follows
    assert found.of_symbol["fills_total"]["BTCUSDT"] == 1
    assert found.counters["bars_total"] == 1
    assert metrics.figures()[0].counters == found.counters


def test_a_journal_that_was_begun_anew_is_counted_from_its_beginning(book, metrics):
    for number in range(3):
        book.bar(OPENED + number * MINUTE)
    assert metrics.figures()[0].counters["bars_total"] == 3
    book.begin_anew()
    book.open_session(OPENED)
    for number in range(4):
        book.bar(OPENED + number * MINUTE, equity="7")
    (found,) = metrics.figures()
    assert found.counters["bars_total"] == 4
    assert found.gauges["equity"] == 7


def test_the_error_budget_is_the_one_of_the_reports(book, metrics):
    for number in range(0, 200, 2):  # every other minute is missing
        book.bar(OPENED + number * MINUTE, lag_ms=6_000 if number % 10 == 0 else 10)
    left = metrics.figures()[0].gauges["slo_budget_left"]
    assert left == pytest.approx(budget_left(book.desk, book.place))
    assert 0.4 < left < 0.6


def test_signs_of_life_and_halts(book, metrics):
    book.bar(OPENED)
    with book.running():
        book.beat()
        book.clock.ts += 7_000 * MS
        alive = metrics.figures()[0].gauges
        assert (alive["up"], alive["executor_running"], alive["trading_halted"]) == (1, 1, 0)
        assert (alive["heartbeat_age_seconds"], alive["pnl_realized"]) == (7.0, 12.5)

        book.journal.append([TradingHalted(book.clock.ts, "daily loss", source="risk")])
        halted = metrics.figures()[0]
        assert halted.gauges["up"] == 0
        assert (halted.gauges["trading_halted"], halted.gauges["halted_for_loss"]) == (1, 1)
        assert halted.counters["halts_total"] == 1

        book.journal.append([TradingResumed(book.clock.ts, "seen", "ann")])
        assert metrics.figures()[0].gauges["halted_for_loss"] == 0
    book.journal.append([SessionClosed(book.clock.ts, "stopped")])
    ended = metrics.figures()[0].gauges
    assert (ended["executor_running"], ended["closed_cleanly"]) == (0, 1)


def test_a_latch_without_a_row_is_a_halt(book, metrics):
    book.place.halt.touch()
    assert metrics.figures()[0].gauges["trading_halted"] == 1


def test_alerts_are_those_that_stand_in_the_file(book, metrics):
    file = AlertFile(book.place.folder)
    file.add("paper", "drift", "differ", 1, begins=True)
    file.add("paper", "disk", "full", 2, begins=True)
    file.add("paper", "disk", "", 3, begins=False)
    alerts = metrics.figures()[0].alerts
    assert (alerts["drift"], alerts["disk"], alerts["bar_gap"]) == (True, False, False)


def test_a_damaged_journal_is_told_and_read_again_once_it_is_whole(book, metrics):
    book.bar(OPENED)
    book.journal.close()
    path = book.place.folder / "journal.sqlite"
    whole = path.read_bytes()
    for log in book.place.folder.glob("journal.sqlite-*"):
        log.unlink()
    path.write_bytes(b"not a database" * 100)
    (found,) = metrics.figures()
    assert "cannot be read" in found.failure
    assert not found.gauges

    path.write_bytes(whole)
    assert metrics.figures()[0].counters["bars_total"] == 1
    book.journal = book._open()
