from decimal import Decimal

import pytest

from trading_assets.domain.bar import Bar
from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    OrderRefused,
    OrderReported,
    SignalRow,
)
from trading_assets.domain.order import OrderReport, OrderSide, OrderStatus
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.live_tally import LiveTally


class _Clock:
    def now(self):
        return 1_700_000_000_000_000

    def wait(self, seconds):
        raise AssertionError("nothing waits here")


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path, book="demo", epoch="virtual", clock=_Clock(), holder="test")
    yield journal
    journal.close()


def tally_of(folder, tally):
    with JournalReader(folder) as reader:
        return tally.read(reader)


def a_bar_ready(ts, *, late=False):
    symbols = ("BTCUSDT", "SOLUSDT")
    bars = tuple(Bar(s, ts, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1) for s in symbols)
    rows = tuple(SignalRow(s, ts, (1.0, 0.0, 0.0), "hash") for s in symbols)
    return BarReady(ts, bars, rows, late)


def a_report(name, status, executed):
    report = OrderReport(
        client_order_id=name,
        venue_order_id="1",
        symbol="SOLUSDT",
        side=OrderSide.BUY,
        status=status,
        quantity=Decimal(2),
        executed=Decimal(executed),
        quote_executed=Decimal(executed),
        updated_ts=1,
    )
    return OrderReported(1, report)


def test_a_late_bar_is_a_bar_and_no_decision(journal, tmp_path):
    journal.append([a_bar_ready(1), a_bar_ready(2, late=True), a_bar_ready(3)])
    tally = tally_of(tmp_path, LiveTally())
    assert (tally.bars, tally.decisions, tally.first_bar, tally.last_bar) == (3, 4, 1, 3)


def test_only_orders_refused_or_ended_in_part_are_imperfect(journal, tmp_path):
    journal.append([a_report("whole", OrderStatus.FILLED, "2")])
    journal.append([a_report("working", OrderStatus.PARTIALLY_FILLED, "1")])
    journal.append([a_report("nothing", OrderStatus.EXPIRED, "0")])
    assert tally_of(tmp_path, LiveTally()).imperfect == 0
    journal.append([a_report("part", OrderStatus.EXPIRED, "1")])
    journal.append([OrderRefused(1, "refused", -2010, "no funds")])
    assert tally_of(tmp_path, LiveTally()).imperfect == 2


def test_reading_again_counts_nothing_twice(journal, tmp_path):
    journal.append([a_bar_ready(1), EquityMarked(1, Decimal("10.5"), 0.0)])
    tally = tally_of(tmp_path, LiveTally())
    journal.append([a_bar_ready(2), EquityMarked(2, Decimal("11.5"), 0.0)])
    tally_of(tmp_path, tally)
    tally_of(tmp_path, tally)
    assert (tally.bars, tally.decisions) == (2, 4)
    assert (tally.opening_equity, tally.equity) == (10.5, 11.5)
