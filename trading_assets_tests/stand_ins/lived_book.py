"""Days of a book as a test writes them, and a release as the gate would have promoted it."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

from trading_assets import bootstrap
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY, Bar
from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    OrderFilled,
    OrderIntentCreated,
    OrderSubmitted,
    SessionOpened,
    SignalRow,
)
from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.evaluation.decision import Decision
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.workflows.decide import decide
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_evidence import oos_returns
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.stand_ins.notebook import Notebook
from trading_assets_tests.stand_ins.trending_bars import lay_instruments, lay_month, trending_bars

BTC, SOL = SYMBOLS = symbol_from_text("BTCUSDT"), symbol_from_text("SOLUSDT")
BAR = 300_000_000
FIRST, LAST = datetime(2024, 1, 12, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
START = int(LAST.timestamp()) * 1_000_000


PROBATION = {
    "TA_SYMBOLS": '["BTCUSDT","SOLUSDT"]',
    "TA_CONDUCT__BOOTSTRAP_DRAWS": "1000",
    "TA_CONDUCT__PROBATION_DAYS": "7",
    "TA_CONDUCT__PROBATION_ENTRIES": "7",
    "TA_CONDUCT__RAMP_DAYS": "3",
    "TA_CONDUCT__RAMP_ENTRIES": "3",
    "TA_BOOKS__REAL__VENUE": "binance",
    "TA_BOOKS__REAL__ACCOUNT": "main",
    "TA_BOOKS__REAL__TRADES": "paper",
    "TA_BINANCE_API_KEY": "key-of-the-test",
    "TA_BINANCE_API_SECRET": "secret-of-the-test",
}
"""A short probation, and a book of real money that trades what has passed it."""


def desk_of(home):
    """Open a desk with these settings and a notebook for its experiments."""
    settings = load_settings({"TA_HOME": str(home), **PROBATION}).settings
    return dataclasses.replace(bootstrap.desk(settings), experiments=Notebook())


def proven(home):
    """Two months of bars, three weeks of them out of sample, and a book that lived as predicted."""
    desk = desk_of(home)
    lay_instruments(desk, "BTC", "SOL")
    for seed, symbol in enumerate(desk.settings.symbols):
        frame = trending_bars(symbol, seed, FIRST, LAST)
        for number in (1, 2, 3):
            lay_month(desk, symbol, Month(2024, number), frame)
    release = promoted(desk)
    with Life(desk, "paper", release) as life:
        life.days(9, usual_gain(desk, release))
    return desk


def usual_gain(desk, release):
    """What a day gains in the backtest, out of sample."""
    run = desk.runs.get(release.facts["spec"], release.facts["run_id"])
    return float(oos_returns(run).values.mean())


def promoted(desk, capital=100_000.0, basis="gate"):
    """Publish what the gate would have promoted with a capacity curve."""
    run = run_backtest(desk, find_spec(desk.settings, "ema_trend")).run
    before = desk.releases.current("paper")
    known = desk.releases.decisions.get(before.decision_id) if before else decide(desk, "paper")
    document = known.document
    candidate = {**document["candidate"], "largest_capital": capital}
    decision = Decision({**document, "candidate": candidate, "basis": basis})
    desk.releases.decisions.record(decision)
    copied = ("spec_hash", "code_hash", "order_types", "instruments", "inputs")
    facts = {name: run.manifest[name] for name in copied} | {
        "decision_id": decision.decision_id,
        "basis": basis,
        "spec": run.spec,
        "family": run.spec,
        "run_id": run.run_id,
        "result_hash": run.result_hash,
        "data_hash": run.manifest["data_hash"],
        "models": {},
    }
    files = {"spec.yaml": run.file("spec.yaml"), "decision.json": decision.payload}
    after = before and before.release_id
    return desk.releases.publish("paper", facts, files, after=after)[0]


class Life:
    """A journal that a test writes: a bar a day, one entry on it, and what the equity became."""

    def __init__(self, desk, book, release, start=START):
        self.folder = live_book(desk.settings, book).folder
        self.desk, self.book, self.release = desk, book, release
        self.at, self.equity = start, 10_000.0

    def __enter__(self):
        self.journal = Journal(
            self.folder, book=self.book, epoch="virtual", clock=self.desk.clock, holder="test"
        )
        self.open(self.at + DAY - BAR)
        return self

    def __exit__(self, *_):
        self.journal.close()

    def open(self, ts, release_id=None):
        self.journal.append(
            [SessionOpened(ts, self.book, release_id or self.release.release_id, ())]
        )

    def days(self, number, gain=0.0, *, filled=True, worse=0.0):
        """Let days pass from the next midnight on; `worse` makes the fills so much dearer."""
        for _ in range(number):
            if self.at > START:  # the day before ends as it should
                bars = range(self.at + 2 * BAR, self.at + DAY, BAR)
                self.journal.append([self._bar(ts) for ts in bars])
            self.at += DAY
            self.equity *= 1.0 + gain
            mark = EquityMarked(self.at, Decimal(repr(self.equity)), 0.0)
            self.journal.append([self._bar(self.at), mark])
            ticket = OrderTicket(
                f"ta-{self.at}", "ema_trend", BTC, OrderSide.BUY, OrderType.MARKET,
                TimeInForce.GTC, Decimal("0.100"), self.at,
            )  # fmt: skip
            self.journal.append([OrderIntentCreated(self.at, ticket, 1)])
            self.journal.append([OrderSubmitted(self.at + BAR, ticket.client_order_id, 1, 5000)])
            self.journal.append([self._bar(self.at + BAR)])
            if filled:
                price = (Decimal("100.03") * Decimal(repr(1.0 + worse))).quantize(Decimal("0.01"))
                fill = Fill(
                    BTC, f"t{self.at}", ticket.client_order_id, "v", OrderSide.BUY, price,
                    Decimal("0.100"), Decimal(0), "USDT", self.at + BAR,
                )  # fmt: skip
                self.journal.append([OrderFilled(self.at + BAR, fill)])

    def _bar(self, ts):
        bars = (Bar(symbol, ts, 100.0, 100.0, 100.0, 100.0, 9.0, 900.0, 3) for symbol in SYMBOLS)
        rows = (SignalRow(symbol, ts, (0.0,), "hash") for symbol in SYMBOLS)
        return BarReady(ts, tuple(bars), tuple(rows))
