"""A portfolio's run: books that add up, reasons that add up, exports that say whose."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

import trading_assets as ta
from trading_assets.backtest.trials import alone
from trading_assets.domain.errors import ConfigurationError
from trading_assets.portfolio.book import TaggedFill, VirtualBook

STEPS = 3_000
PORTFOLIO = """
name: two_books
members:
  - spec:
      name: trend
      strategy: ema_trend
      symbols: [AAAUSDT, BBBUSDT]
      sizing: {mode: pct_of_equity, pos_pct: 40, rebalance_pct: 5}
    allocation_pct: 60
  - spec:
      name: reverts
      strategy: mean_reversion
      params: {bars: 20, short: true}
      symbols: [BBBUSDT, CCCUSDT]
      sizing: {mode: pct_of_equity, pos_pct: 50, rebalance_pct: 5}
    allocation_pct: 80
cash: 10000
profile: margin
costs: {fees_bps: 2, slippage_bps: 1, swap_long_bps: 1, borrow_bps: 2}
limits: {max_position_pct: 45}
rules: {participation_pct: 20}
"""


def frame(seed):
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.003, STEPS))), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    first = pl.datetime(2024, 1, 1, time_zone="UTC")
    last = first + pl.duration(minutes=5 * (STEPS - 1))
    return pl.DataFrame(
        {
            "ts": pl.datetime_range(first, last, "5m", eager=True),
            "open": opened,
            "high": np.round(np.maximum(opened, close) * 1.001, 2),
            "low": np.round(np.minimum(opened, close) * 0.999, 2),
            "close": close,
            "volume": np.round(rng.uniform(10, 200, STEPS), 3),
        }
    )


@pytest.fixture(scope="module")
def bars():
    return {f"{letter * 3}USDT": frame(seed) for seed, letter in enumerate("ABC")}


@pytest.fixture(scope="module")
def result(bars):
    return ta.Backtest(PORTFOLIO, bars, tick="0.01", lot="0.001").run()


def test_both_strategies_trade_and_every_table_says_whose(result):
    for table in (result.trades, result.fills, result.orders, result.refusals, result.financing):
        assert set(table["strategy"]) <= {"trend", "reverts"}
        assert table.height
    assert set(result.trades["strategy"]) == {"trend", "reverts"}
    assert result.tables.filled_orders["strategy"].null_count() == 0
    assert set(result.tables.positions["strategy"]) == {"trend", "reverts"}


def test_the_profits_of_the_books_add_up_to_the_account_s_to_the_unit(result):
    together = result.books.group_by("ts_utc", maintain_order=True).agg(pl.col("pnl").sum())
    account = result.equity["equity"] - 10_000

    apart = (together["pnl"] - account).abs().max()

    assert apart < 1e-8 / 2
    assert result.books.height == 2 * STEPS
    assert result.books["equity"][0] == 6_000


def test_the_metrics_of_the_books_add_up_where_they_are_sums(result):
    parts = result.by_tag

    assert list(parts) == ["trend", "reverts"]
    for name in ("num_trades", "num_fills", "num_orders"):
        assert sum(part[name] for part in parts.values()) == result.metrics[name]
    for name in ("net_pnl", "fees", "financing", "traded_notional"):
        assert sum(part[name] for part in parts.values()) == pytest.approx(
            result.metrics[name], abs=1e-6
        )
    assert parts["reverts"]["initial_cash"] == 8_000


def test_a_book_of_fills_alone_comes_to_the_engine_s_equity(result):
    """The engine's ledger against `VirtualBook`, which sees fills and nights only."""
    log = result.log
    book = VirtualBook(log.setup.instruments)
    for row in log.fills:
        symbol = log.setup.instruments[row["symbol"]].symbol
        tag = result.spec.parts[row["tag"]].name
        book.apply_fill(
            TaggedFill(
                tag, symbol, int(row["side"]), int(row["lots"]), float(row["price"]),
                int(row["ts"]), int(row["fee"]), bool(row["fee_in_base"]), int(row["order_id"]),
            )
        )  # fmt: skip
    book.mark_to_market({p.symbol: p.price for p in log.positions})

    nights = Decimal(int(log.financing["amount"].sum())).scaleb(-8)

    assert float(book.equity() - nights) == pytest.approx(result.final_equity - 10_000, abs=1e-7)
    trips = log.round_trips
    for tag, part in enumerate(result.spec.parts):
        own = book.round_trips(part.name)
        for name in ("units", "pnl", "fees", "entry_order_id", "exit_order_id"):
            assert own[name].tolist() == trips[trips["tag"] == tag][name].tolist()


def test_opportunities_are_counted_once_for_each_strategy_and_add_up(result):
    whole, parts = result.why_not, result.why_not_by_tag

    assert whole.opportunities == 4 * STEPS
    assert [part.opportunities for part in parts.values()] == [2 * STEPS, 2 * STEPS]
    assert sum(part.traded for part in parts.values()) == whole.traded
    names = {name for part in parts.values() for name in part.reasons}
    summed = {n: sum(p.reasons.get(n, 0) for p in parts.values()) for n in names}
    assert summed == dict(whole.reasons)
    for part in parts.values():
        assert part.traded + sum(part.reasons.values()) == part.opportunities


def test_the_report_and_the_manifest_show_the_books(result):
    page = result.html().decode()

    assert "Strategy books" in page
    assert 'id="books"' in page
    assert [book["strategy"] for book in result.manifest["books"]] == ["trend", "reverts"]
    assert result.label.startswith("Portfolio of 2 • 60 80 % • 10k")


def test_files_have_the_books_and_the_same_run_has_the_same_hash(result, bars):
    again = ta.Backtest(PORTFOLIO, bars, tick="0.01", lot="0.001").run()

    assert {"books.csv", "books.parquet"} <= set(result.number_files)
    assert again.result_hash == result.result_hash
    assert again.manifest["run_id"] == result.manifest["run_id"]


def test_another_order_of_members_is_another_run(result, bars):
    values = ta.Backtest(PORTFOLIO, bars, tick="0.01", lot="0.001").spec
    turned = values.model_copy(update={"members": values.members[::-1]})

    other = ta.Backtest(turned, bars, tick="0.01", lot="0.001").run()

    assert other.spec.spec_hash != result.spec.spec_hash
    assert other.result_hash != result.result_hash


def test_a_portfolio_of_one_earns_what_its_member_earns_alone(bars):
    one = """
name: {name}
{body}
cash: 10000
costs: {{fees_bps: 2}}
"""
    keys = "strategy: ema_trend, symbols: [AAAUSDT], sizing: {mode: pct_of_equity, pos_pct: 40}"
    member = f"members: [{{spec: {{name: t, {keys}}}, allocation_pct: 100}}]"
    alone = "\n".join(["strategy: ema_trend", "symbols: [AAAUSDT]"])
    alone += "\nsizing: {mode: pct_of_equity, pos_pct: 40}"

    runs = [
        ta.Backtest(one.format(name=name, body=body), bars, tick="0.01", lot="0.001").run()
        for name, body in (("p", member), ("t", alone))
    ]

    assert runs[0].trades.equals(runs[1].trades)
    assert runs[0].equity.equals(runs[1].equity)
    assert runs[0].metrics == runs[1].metrics
    assert runs[1].books.is_empty()
    assert "books.csv" not in runs[1].number_files


def test_a_sweep_varies_one_strategy_and_refuses_a_portfolio(bars):
    prepared = ta.Backtest(PORTFOLIO, bars, tick="0.01", lot="0.001").prepared

    with pytest.raises(ConfigurationError, match="two_books is a portfolio"):
        alone(prepared)


BREAKS = """
from dataclasses import dataclass
from typing import ClassVar

from trading_assets.domain.intents import OrderIntent
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.strategies.asked import AskedStrategy


@dataclass(frozen=True)
class Breaks(AskedStrategy):
    bars: int = 12

    name: ClassVar[str] = "breaks"
    order_types: ClassVar = frozenset({OrderType.MARKET, OrderType.TRAILING_STOP})

    @property
    def lookback(self):
        return self.bars

    def on_bar(self, view, state):
        if view.lots == 0 and view.price >= view.high[:-1].max():
            return view.buy()
        if view.lots > 0 and not view.orders:
            return [OrderIntent(OrderSide.SELL, trail_ratio=0.01, reduce_only=True)]
        return []
"""


def test_a_strategy_that_is_asked_is_a_member_as_any_other(bars, tmp_path, monkeypatch):
    (tmp_path / "breaks.py").write_text(BREAKS)
    monkeypatch.setenv("TA_STRATEGIES_DIR", str(tmp_path))
    text = PORTFOLIO.replace("strategy: ema_trend", "strategy: breaks:Breaks")

    result = ta.Backtest(text, bars, tick="0.01", lot="0.001").run()

    parts = result.by_tag
    assert all(part["num_trades"] > 20 for part in parts.values())
    assert "TRAILING_STOP" in set(result.orders["type"])
    assert sum(part["net_pnl"] for part in parts.values()) == pytest.approx(
        result.metrics["net_pnl"], abs=1e-6
    )
    opportunities = sum(
        why.traded + sum(why.reasons.values()) for why in result.why_not_by_tag.values()
    )
    assert opportunities == 4 * STEPS
