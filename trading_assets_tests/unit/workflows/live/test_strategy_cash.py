"""What a strategy has earned by its fills is what the engine has made of them, fees included."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.domain.account import Fill
from trading_assets.domain.events import OrderFilled, OrderReported, OrderSubmitted
from trading_assets.domain.order import OrderReport, OrderStatus
from trading_assets.workflows.journal_at import book_at
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.strategy_cash import StrategyCash
from trading_assets_tests.stand_ins.pair_release import published_pair
from trading_assets_tests.stand_ins.written_book import BAR, START, written_book


def filled(book, ticket, number, price, fee, asset):
    ts, name, quantity = START + number * BAR, ticket.client_order_id, ticket.quantity
    book.happen(OrderSubmitted(ts, name, ts, 5000))
    report = OrderReport(
        name, f"v{number}", ticket.symbol, ticket.side, OrderStatus.FILLED, quantity, quantity,
        quantity * price, ts,
    )  # fmt: skip
    book.happen(OrderReported(ts, report))
    book.happen(
        OrderFilled(
            ts,
            Fill(
                ticket.symbol, f"t{number}", name, f"v{number}", ticket.side, price, quantity,
                Decimal(fee), asset, ts,
            ),
        )
    )  # fmt: skip


def test_ctl_02_what_a_strategy_has_earned_adds_up_to_the_account(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    desk, release = published_pair()
    place = live_book(desk.settings, "paper")
    with written_book(place, release) as book:
        (bought,) = book.bar(0, 1.0, 50_000.0, tag="slow")
        filled(book, bought, 1, Decimal(50_000), "0.000004", "BTC")
        (sold,) = book.bar(1, 0.0, 51_000.0, tag="slow")
        filled(book, sold, 2, Decimal(51_000), "0.2", "USDT")
        with place.journal() as journal:
            cash = StrategyCash(desk.releases).read(journal)
            half_way = dict(cash.cash)
            book.bar(2, float("nan"), 52_000.0, tag="slow")
            view = book_at(desk, "paper").to_json()
            earned = cash.read(journal).earned(view["positions"])

    assert cash.cash == half_way  # a second look counts nothing twice
    assert set(earned) == {"slow"}
    assert float(earned["slow"]) == pytest.approx(view["equity"] - 1000, abs=1e-6)
    assert earned["slow"] != 0


def test_a_journal_begun_anew_is_counted_from_its_own_first_row(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    desk, release = published_pair()
    place = live_book(desk.settings, "paper")
    cash = StrategyCash(desk.releases)
    for price in (50_000, 60_000):
        with written_book(place, release) as book:
            (bought,) = book.bar(0, 1.0, float(price), tag="slow")
            filled(book, bought, 1, Decimal(price), "0.3", "USDT")
            with place.journal() as journal:
                found = dict(cash.read(journal).cash)
                assert found == {"slow": -bought.quantity * price - Decimal("0.3")}
        place.folder.rename(tmp_path / f"set aside at {price}")
