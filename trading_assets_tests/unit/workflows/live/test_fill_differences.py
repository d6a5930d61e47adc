"""Fills of a venue beside those of the engine's own rules: every code, and what fails a day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY, Bar
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    OrderIntentCreated,
    OrderSubmitted,
    SessionOpened,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.expected_fills import ExpectedFills
from trading_assets.workflows.fill_differences import (
    FillTerms,
    differences,
    fill_differences,
    judged,
)
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_tables import day_start
from trading_assets_tests.stand_ins.tiny_venue import BAR, SOL, START

TERMS = FillTerms(price_bps=50.0, late_s=60.0, mean_bps=20.0, odd=0)
SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [SOLUSDT]\ncash: 1000\n"
    "sizing: {mode: fixed, qty: 1}\ncosts: {slippage_bps: 10.0}\n"
)
LIMIT = {"type": OrderType.LIMIT, "limit_price": Decimal("90.00")}


def order(number=0, **changes):
    ticket = OrderTicket(
        f"ta-{number}", "mine", SOL.symbol, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC,
        Decimal("2.000"), START + number * BAR,
    )  # fmt: skip
    return replace(ticket, **changes)


def given(ticket, price="100.10", quantity="2.000", after_s=1, trade="1"):
    ts = ticket.bar_ts + BAR + after_s * 1_000_000
    return Fill(
        SOL.symbol, trade, ticket.client_order_id, "7", ticket.side, Decimal(price),
        Decimal(quantity), Decimal(0), "USDT", ts,
    )  # fmt: skip


@pytest.fixture(scope="module")
def release():
    spec = parse_spec(SPEC, where="test")
    return Release("0123456789abcdef", "paper", Path(), {}, spec, (SOL,))


def rows_of(release, ticket, fills, start=START):
    """Let a ticket leave after the first of three bars that open at 100."""
    heard = ExpectedFills({release.release_id: release}.__getitem__)
    heard.take(SessionOpened(START, "paper", release.release_id, ()))
    for number in range(3):
        ts = START + number * BAR
        bar = Bar(SOL.symbol, ts, 100.0, 101.0, 99.0, 100.5, 9.0, 900.0, 3)
        heard.take(BarReady(ts, (bar,), ()))
        if number == 0:
            heard.take(OrderIntentCreated(ts, ticket, 1))
            heard.take(OrderSubmitted(ts + BAR, ticket.client_order_id, 1, 5000))
            for fill in fills:
                heard.take(OrderFilled(ts + BAR, fill))
    return differences(heard, start, start + DAY, TERMS)


@pytest.mark.parametrize(
    ("changes", "fills", "codes"),
    [
        ({}, [{}], ""),
        ({}, [], "missed"),
        ({}, [{"price": "101.00"}], "price"),
        ({}, [{"quantity": "1.500"}], "size"),
        ({}, [{"after_s": 61}], "late"),
        ({}, [{"after_s": 61, "quantity": "1.500", "price": "99.00"}], "size price late"),
        (LIMIT, [{"price": "90.00"}], "extra"),
        ({**LIMIT, "limit_price": Decimal("100.005")}, [{"price": "100.00"}], "extra"),
        ({}, [{"after_s": 61, "quantity": "1.5"}, {"quantity": "0.5", "trade": "2"}], ""),
        ({}, [{"quantity": "0.500"}, {"quantity": "1.500", "trade": "2"}], ""),
    ],
)
def test_each_difference_has_its_code(release, changes, fills, codes):
    ticket = order(**changes)
    (row,) = rows_of(release, ticket, [given(ticket, **fill) for fill in fills])

    assert row.codes == codes


def test_a_market_order_is_expected_at_the_next_open_with_the_costs_of_the_spec(release):
    ticket = order()
    (row,) = rows_of(release, ticket, [given(ticket, "100.20")])

    assert row.ts == START + BAR
    assert (row.expected_quantity, row.expected_price) == (2.0, pytest.approx(100.1))
    assert row.bps == pytest.approx(0.1 / 100.1 * 10_000)
    assert row.cost == pytest.approx(0.2)
    assert row.late_s == 1.0


def test_what_is_worse_is_above_zero_on_both_sides(release):
    ticket = order(side=OrderSide.SELL)
    (row,) = rows_of(release, ticket, [given(ticket, "99.80")])

    assert row.expected_price == pytest.approx(99.9)
    assert row.bps == pytest.approx(0.1 / 99.9 * 10_000)


def test_an_order_that_neither_has_filled_is_no_row(release):
    assert rows_of(release, order(**LIMIT), []) == []


def test_a_row_belongs_to_the_day_of_its_expected_fill(release):
    ticket = order()
    assert rows_of(release, ticket, [given(ticket)], start=START + DAY) == []


def test_a_day_fails_for_odd_fills_and_for_a_bad_mean(release):
    ticket = order()
    good = rows_of(release, ticket, [given(ticket)])
    dear = rows_of(release, ticket, [given(ticket, "100.40")])
    missed = rows_of(release, ticket, [])
    day = date(2024, 4, 1)

    assert judged("paper", day, good, TERMS).failures == ()
    (mean,) = judged("paper", day, dear, TERMS).failures
    assert mean.startswith("mine SOLUSDT: fills 29.97 bps worse than expected")
    (odd,) = judged("paper", day, missed, TERMS).failures
    assert odd == "1 orders filled otherwise than expected, at most 0"
    (line,) = judged("paper", day, dear, TERMS).slippage
    assert (line.strategy, line.orders, line.cost) == ("mine", 1, pytest.approx(0.6))


def test_a_fill_of_the_next_day_is_late_and_not_missed(release, desk):
    """The order leaves two bars before midnight; the venue fills it half an hour later."""
    start = day_start(date(2024, 4, 1))
    ticket = order(bar_ts=start + DAY - 2 * BAR)
    late = given(ticket, after_s=1_800)
    place = live_book(desk.settings, "paper")
    with Journal(place.folder, book="paper", epoch="wall", clock=desk.clock) as journal:
        journal.append([SessionOpened(start, "paper", release.release_id, ())])
        for number in range(-2, 8):
            ts = start + DAY + number * BAR
            bar = Bar(SOL.symbol, ts, 100.0, 101.0, 99.0, 100.5, 9.0, 900.0, 3)
            journal.append([BarReady(ts, (bar,), ())])
            if number == -2:
                journal.append([OrderIntentCreated(ts, ticket, 1)])
                journal.append([OrderSubmitted(ts + BAR, ticket.client_order_id, 1, 5000)])
        journal.append([OrderFilled(late.ts, late)])
    (row,) = fill_differences(desk, "paper", date(2024, 4, 1)).rows
    assert (row.codes, row.late_s, row.ts) == ("late", 1_800.0, start + DAY - BAR)
    assert fill_differences(desk, "paper", date(2024, 4, 2)).rows == ()


@pytest.fixture
def desk(tmp_path, release):
    opened = open_desk(load_settings({"TA_HOME": str(tmp_path)}).settings)
    return replace(opened, releases=SimpleNamespace(get={release.release_id: release}.__getitem__))
