"""Orders of two small live books, back to the bars; what a flipped bit flags, and nothing else."""

import dataclasses
from decimal import Decimal

import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.events import BarReady
from trading_assets.domain.ids import Month
from trading_assets.live.feed import bars_from_frame
from trading_assets.market.bar_frame import between
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.release_parts import signal_desk
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.trace import trace_all, trace_order
from trading_assets_tests.stand_ins.damage import flipped
from trading_assets_tests.stand_ins.promoted import promote
from trading_assets_tests.stand_ins.written_book import BAR, written_book

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
START, END = FEBRUARY.start + 2 * DAY, FEBRUARY.start + 4 * DAY
BOOKS = {"paper": "BTCUSDT", "other": "SOLUSDT"}
TEXT = """
strategy: ema_trend
params: {fast: 6, slow: 36, band_bps: 2.0}
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 30.0}
"""


@pytest.fixture
def traded(desk, make_desk):
    """The desk, once each book has traded a release of its own symbol for two days."""
    settings = make_desk(
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]',
        TA_BOOKS__OTHER__VENUE="simulated",
        TA_BOOKS__OTHER__ACCOUNT="other",
    ).settings
    desk = dataclasses.replace(desk, settings=settings)
    for book, symbol in BOOKS.items():
        text = f"name: of_{symbol[:3].lower()}\nsymbols: [{symbol}]{TEXT}"
        spec = parse_spec(text, where="test")
        release = promote(desk, book, spec, run_backtest(desk, spec).run)
        _trade(desk, book, symbol, release)
    return desk


def _trade(desk, book, symbol, release):
    frame = desk.tables.read_range("bars_5m", symbol, JANUARY.start, END)
    signals = signal_desk(release, {})
    signals.append(symbol, frame.filter(between(signals.history_start(FEBRUARY), END)))
    bars = bars_from_frame(frame.filter(between(START, END)))
    rows = signals.rows(symbol, list(bars))
    with written_book(live_book(desk.settings, book), release, ts=START, cash=10_000) as written:
        for ts, bar in bars.items():
            for ticket in written.decide(BarReady(ts, (bar,), rows.get(ts, ()))):
                written.fill(ticket, ts + BAR, f"{ts}", Decimal(str(bar.close)))


def traces(desk):
    return {(book, each.order_id): each for book in BOOKS for each in trace_all(desk, book=book)}


def test_every_link_of_every_order_holds_and_one_bit_flags_the_book_that_rests_on_it(traded):
    whole = traces(traded)
    assert min(sum(book == name for name, _ in whole) for book in BOOKS) >= 2
    wrong = [(k, x) for k, each in whole.items() for x in each.links if x.status != "equal"]
    assert wrong == []
    for (book, _), each in whole.items():
        assert each.order["symbol"] == BOOKS[book]
        kinds = [link.kind for link in each.links]
        assert kinds[:3] == ["journal", "decision", "signal"]
        assert set(kinds[3:]) == {"bars", "release", "promotion", "code", "run"}
        named = [(link.kind, link.name, link.recorded) for link in each.links]
        assert len(set(named)) == len(named)
    (_, order_id), one = next(iter(whole.items()))
    assert trace_order(traded, order_id) == one

    bars = traded.tables.require("bars_5m", "SOLUSDT", FEBRUARY)
    of_sol = {key for key in whole if key[0] == "other"}
    with flipped(traded.tables.path(bars)) as name:
        found = traces(traded)
    assert {key for key, each in found.items() if each.status != "equal"} == of_sol
    assert {found[key].status for key in of_sol} == {"differs"}
    assert {found[key].damaged_files for key in of_sol} == {(name,)}
    radius = blast_radius(traded, bars.address, bars.version)
    assert set(radius.live_orders) == {f"other {name}" for _, name in of_sol}
