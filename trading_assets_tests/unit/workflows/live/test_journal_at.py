"""A book as it stood at any moment, and its journal as files: both from a journal alone."""

import json
import math
from decimal import Decimal
from types import SimpleNamespace

import polars as pl
import pytest

from trading_assets.domain.account import Fill
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import OrderFilled, OrderReported, OrderSubmitted
from trading_assets.domain.order import OrderReport, OrderStatus
from trading_assets.settings import load_settings
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.export_journal import export_journal
from trading_assets.workflows.journal_at import book_at
from trading_assets.workflows.live_book import live_book
from trading_assets_tests.stand_ins.written_book import (
    BAR,
    BTC,
    START,
    release_of_btc,
    written_book,
)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A desk with one book that has bought on its first bar and was filled half a minute later."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    release = release_of_btc()
    settings = load_settings().settings
    with written_book(live_book(settings, "paper"), release) as book:
        (ticket,) = book.bar(0, 1.0, 50_000.0)
        book.happen(OrderSubmitted(START + BAR + 1, ticket.client_order_id, 1, 5000))
        filled = OrderReport(
            ticket.client_order_id, "7", BTC, ticket.side, OrderStatus.FILLED, ticket.quantity,
            ticket.quantity, Decimal(500), START + BAR,
        )  # fmt: skip
        book.happen(OrderReported(START + BAR + 30_000_000, filled))
        fill = Fill(
            BTC, "1", ticket.client_order_id, "7", ticket.side, Decimal("50000.10"),
            ticket.quantity, Decimal("0.0000005"), "BTC", START + BAR,
        )  # fmt: skip
        book.happen(OrderFilled(START + BAR + 30_000_000, fill))
        book.bar(1, math.nan, 50_000.0)
    releases = SimpleNamespace(get={release.release_id: release}.__getitem__)
    return SimpleNamespace(settings=settings, releases=releases)


def test_a_book_is_rebuilt_as_it_stands(desk):
    view = book_at(desk, "paper")

    assert view.bars == 2
    assert view.orders == ()
    (position,) = view.positions
    assert (position["strategy"], position["symbol"]) == ("mine", "BTCUSDT")
    assert position["quantity"] == Decimal("0.0099995")
    assert view.account["USDT"] == Decimal("499.9990000")
    assert json.loads(json.dumps(view.to_json()))["balances"]["BTC"] == "0.00999950"


def test_a_book_is_rebuilt_as_it_stood_between_sending_and_fill(desk):
    view = book_at(desk, "paper", ts=START + BAR + 20_000_000)

    assert view.positions == ()
    assert [order["state"] for order in view.orders] == ["SENT"]
    assert view.balances["USDT"] == Decimal(1000)


def test_a_bar_is_not_known_before_it_has_closed(desk):
    assert book_at(desk, "paper", ts=START + BAR - 1).bars == 0


def test_every_row_can_be_gone_back_to(desk):
    with live_book(desk.settings, "paper").journal() as journal:
        end = journal.verify().seq
    bars = [book_at(desk, "paper", seq=seq).bars for seq in range(1, end + 1)]

    assert bars == sorted(bars)
    assert (bars[0], bars[-1]) == (0, 2)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ({"ts": START - 1}, "had not begun"),
        ({"seq": 99}, "has no row 99"),
        ({"seq": 0}, "has no row 0"),
        ({"ts": START, "seq": 1}, "Two moments"),
    ],
)
def test_a_moment_that_was_not_is_refused(desk, moment, said):
    with pytest.raises(ConfigurationError, match=said):
        book_at(desk, "paper", **moment)


def test_tables_have_the_columns_and_the_exact_amounts_of_the_desk(desk, tmp_path):
    rows = export_journal(desk, "paper", tmp_path / "out", "csv")

    assert rows == {"orders.csv": 1, "trades.csv": 1, "positions.csv": 1, "equity.csv": 2}
    trades = pl.read_csv(tmp_path / "out" / "trades.csv", infer_schema=False)
    assert trades.columns == [
        "ts_utc",
        "client_order_id",
        "symbol",
        "price",
        "qty",
        "fee",
        "fee_ccy",
    ]
    assert Decimal(trades["price"][0]) == Decimal("50000.10")
    assert Decimal(trades["fee"][0]) == Decimal("0.0000005")
    assert trades["ts_utc"][0] == "2024-04-01T00:05:00.000000Z"
    orders = (tmp_path / "out" / "orders.csv").read_text().splitlines()[0]
    assert orders == "ts_utc,strategy,symbol,side,type,qty,limit_price,client_order_id,state"
    assert not list((tmp_path / "out").glob(".*"))


def test_parquet_keeps_amounts_as_decimals(desk, tmp_path):
    export_journal(desk, "paper", tmp_path, "parquet")

    assert pl.read_parquet(tmp_path / "trades.parquet")["price"][0] == Decimal("50000.10")


def test_events_are_lines_of_json_with_nothing_left_out(desk, tmp_path):
    rows = export_journal(desk, "paper", tmp_path, "jsonl")
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]

    with JournalReader(live_book(desk.settings, "paper").folder) as journal:
        assert [line["crc"] for line in lines] == [row.crc for row in journal.rows()]
    assert rows == {"events.jsonl": len(lines)}


def test_another_format_is_refused(desk, tmp_path):
    with pytest.raises(ConfigurationError, match="Not a format"):
        export_journal(desk, "paper", tmp_path, "xlsx")


def test_a_bar_is_known_from_its_close_on_though_nothing_happened_after_it(desk):
    assert book_at(desk, "paper", ts=START + 2 * BAR - 1).bars == 1
    assert book_at(desk, "paper", ts=START + 2 * BAR).bars == 2
