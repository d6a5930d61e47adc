"""A live day of a book that is filtered by regimes, again by the parameters of its release."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.events import BarReady
from trading_assets.domain.ids import Month, canonical_json
from trading_assets.features.regime import RegimeParameters
from trading_assets.live.feed import bars_from_frame
from trading_assets.market.bar_frame import BAR_SCHEMA, between
from trading_assets.market.resample import resample
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.release_parts import signal_desk
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.trace import trace_all
from trading_assets_tests.stand_ins.written_book import BAR, BTC, SPEC, written_book

MARCH, DAY_OF_IT = Month(2024, 3), date(2024, 3, 1)
MONTHS = tuple(Month(2024, n) for n in (1, 2, 3))
CALM = RegimeParameters((1e-5, 1e-4), ((0.95, 0.05), (0.1, 0.9)))


def _minutes():
    ts = np.arange(MONTHS[0].start, MARCH.start + DAY, MINUTE)
    wild = (ts // (7 * 60 * MINUTE)) % 2 == 0
    moves = np.random.default_rng(3).normal(0, 1, ts.size) * np.where(wild, 1.5e-3, 2e-4)
    close = (100 * np.exp(np.cumsum(moves))).round(2)
    values = dict.fromkeys(("open", "high", "low", "close"), close)
    values |= {"ts": ts, "symbol": [BTC] * ts.size, "volume": np.ones(ts.size)}
    values |= {"quote_volume": np.ones(ts.size), "n_trades": [1] * ts.size}
    values |= {"source": ["embedded"] * ts.size}
    return pl.DataFrame({name: values[name] for name in BAR_SCHEMA}, schema=BAR_SCHEMA)


def _lay(desk, minutes):
    store = traits_of_symbol(desk.settings, BTC).store
    for month in MONTHS:
        desk.tables.publish(
            "bars_1m", BTC, month, minutes.filter(between(month.start, month.end)),
            code_version="1", parents={},
            extra={"store": store, "source": "embedded", "expected_end": month.end},
        )  # fmt: skip


def _release(desk):
    facts = {
        "decision_id": "d",
        "order_types": ["MARKET"],
        "models": {},
        "spec": "mine",
        "run_id": "r",
    }
    facts["instruments"] = [
        {"symbol": BTC, "base": "BTC", "quote": "USDT", "tick": "0.01", "lot": "0.00001",
         "min_notional": "5", "point_value": "1", "calendar": "24/7", "asset_class": "crypto_spot"}
    ]  # fmt: skip
    name = f"regimes/{BTC}.json"
    pin = {"month": "2024-02", "version": "v", "sha256": CALM.sha256, "document": name}
    text = SPEC.replace("qty: 0.01", "qty: 0.1")
    text += "params: {fast: 3, slow: 9}\nfilters: {regime: {allow: [calm]}}\n"
    files = {"spec.yaml": text.encode(), "decision.json": b"{}"}
    files[name] = canonical_json(CALM.plain)
    facts |= {"regimes": {BTC: pin}, "inputs": {}}
    return desk.releases.publish("paper", facts, files, after=None)[0]


def _live(desk, release, minutes):
    """Let the book see the day, in pieces; give the targets of its rows."""
    signals = signal_desk(release, {})
    bars = resample(minutes, Timeframe.M5)
    signals.append(BTC, bars.filter(between(signals.history_start(MARCH), MARCH.start)))
    targets = []
    with written_book(live_book(desk.settings, "paper"), release, ts=MARCH.start) as book:
        day = bars.filter(between(MARCH.start, MARCH.end))
        for place in range(0, day.height, 36):
            part = day.slice(place, 36)
            signals.append(BTC, part)
            seen = bars_from_frame(part)
            for ts, (row,) in signals.rows(BTC, list(seen)).items():
                targets.append(row.values[0])
                for ticket in book.decide(BarReady(ts, (seen[ts],), (row,))):
                    book.fill(ticket, ts + BAR, f"{ts}", Decimal(str(seen[ts].close)))
    return targets


def test_the_day_comes_out_to_the_bit_by_the_parameters_of_the_release(make_desk):
    desk, minutes = make_desk(TA_SYMBOLS='["BTCUSDT"]'), _minutes()
    _lay(desk, minutes)
    release = _release(desk)
    targets = _live(desk, release, minutes)
    assert {value > 0 for value in targets if not math.isnan(value)} == {True, False}
    assert sum(map(math.isnan, targets)) > len(targets) / 4  # stopped in turbulent hours
    report = replay_live_day(desk, "paper", DAY_OF_IT)
    assert (report.bars, report.rows, report.snapshots) == (288, 288, 0)
    assert report.is_equal, report.differences

    # Each order's signal comes out of the recorded bars again, and of the tables' before them.
    links = [link for each in trace_all(desk, book="paper") for link in each.of("signal")]
    assert len(links) > 1
    assert {(link.status, link.said) for link in links} == {
        ("equal", "evaluated again on the anchored frame of the recorded bars")
    }
