import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.ids import client_order_id
from trading_assets.domain.instrument import Instrument
from trading_assets.engine.signals import BarMatrix
from trading_assets.evaluation.glossary import GLOSSARY
from trading_assets.evaluation.performance import net_return_pct, performance
from trading_assets.evaluation.run_tables import run_tables
from trading_assets.records.codes import NO_PRICE, Cause, Leg, OrderState
from trading_assets.records.results import CLOSED_ORDER, FACTOR, FILL, FINANCING, ROUND_TRIP
from trading_assets.risk.pre_trade import Refusal

SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
BAR = 300_000_000
START = int(datetime(2024, 1, 1, 23, 45, tzinfo=UTC).timestamp()) * 1_000_000
CLOSES = [100.0, 101.0, 102.0, 103.0, 99.0, 98.0]  # three bars before midnight, three after
E8 = 100_000_000


def records(dtype, *rows):
    array = np.zeros(len(rows), dtype)
    for record, row in zip(array, rows, strict=True):
        for name, value in row.items():
            record[name] = value
    return array


def at(bar):
    return START + bar * BAR


@pytest.fixture
def tables():
    ts = np.array([at(i) for i in range(6)], np.int64)
    closes = np.array([CLOSES])
    bars = BarMatrix(ts, closes, closes + 1, closes - 1, closes, np.ones((1, 6)))
    order = {"type": 0, "tif": 0, "limit_ticks": NO_PRICE, "stop_ticks": NO_PRICE, "lots": 2000}
    bought = {**order, "state": OrderState.FILLED, "cause": Cause.FILLED, "filled": 2000}
    orders = records(
        CLOSED_ORDER,
        {**bought, "id": 1, "side": 1, "leg": Leg.OPEN, "bar_ts": at(0), "closed_ts": at(1)},
        {**bought, "id": 2, "side": -1, "leg": Leg.CLOSE, "bar_ts": at(3), "closed_ts": at(4)},
        {
            **order,
            "id": 3,
            "side": 1,
            "type": 1,
            "limit_ticks": 9_500,
            "leg": Leg.OPEN,
            "bar_ts": at(5),
            "state": OrderState.WORKING,
        },
    )  # fmt: skip
    fill = {"lots": 2000, "units": 2 * E8}
    fills = records(
        FILL,
        {
            **fill,
            "id": 1,
            "order_id": 1,
            "side": 1,
            "leg": Leg.OPEN,
            "bar_ts": at(0),
            "ts": at(1),
            "price": 101.0,
            "touched": 100.75,
            "notional": 202 * E8,
            "fee": 2 * E8 // 1000,
            "fee_in_base": 1,
            "position": 1998,
        },
        {
            **fill,
            "id": 2,
            "order_id": 2,
            "side": -1,
            "leg": Leg.CLOSE,
            "bar_ts": at(3),
            "ts": at(4),
            "price": 100.0,
            "touched": 100.5,
            "units": 1998 * E8 // 1000,
            "notional": 19_980 * E8 // 100,
            "fee": E8 // 10,
        },
    )
    trips = records(
        ROUND_TRIP,
        {
            "id": 1,
            "side": 1,
            "leg": Leg.CLOSE,
            "units": 1998 * E8 // 1000,
            "entry_ts": at(1),
            "exit_ts": at(4),
            "entry_price": 101.0,
            "exit_price": 100.0,
            "cost": 202 * E8,
            "fees": E8 // 2,
            "pnl": -3 * E8,
            "entry_order_id": 1,
            "exit_order_id": 2,
        },
    )
    return run_tables(
        tags=["mine"],
        instruments=[SOL],
        bars=bars,
        opening_equity=1000.0,
        equity=np.array([1000.0, 1002.0, 1004.0, 1006.0, 997.0, 997.0]),
        orders=orders,
        fills=fills,
        round_trips=trips,
        refusals=[Refusal(bars.ts[1], 0, "cash", 10.0, 12.5)],
        financing=records(
            FINANCING,
            {
                "ts": at(3),
                "amount": E8 // 4,
                "position": 1998,
                "price": 101.0,
                "nights": 1,
                "symbol": 0,
                "kind": 0,
            },
        ),
        factors=records(FACTOR, {"ts": at(2), "factor": 0.48, "symbol": 0, "tag": 0, "reasons": 5}),
    )


def csv(tables, name):
    return tables.files()[f"{name}.csv"].decode().splitlines()


def test_exports_have_the_promised_columns(tables):
    assert csv(tables, "orders")[0] == (
        "ts_utc,strategy,symbol,side,type,qty,limit_price,client_order_id,state"
    )
    assert csv(tables, "trades")[0] == "ts_utc,client_order_id,symbol,price,qty,fee,fee_ccy"
    assert csv(tables, "positions")[0] == "ts_utc,symbol,qty,avg_price,unrealized_pnl"
    assert csv(tables, "equity")[0] == "ts_utc,equity,drawdown"
    names = {name.rsplit(".", 1)[0] for name in tables.files()}
    assert {"filled_orders", "round_trips", "equity_curve"} <= names
    assert {name.rsplit(".", 1)[1] for name in tables.files()} == {"csv", "parquet"}


def test_rows_say_what_happened_in_exact_numbers(tables):
    first = client_order_id("backtest", "mine", "SOLUSDT", at(0), int(Leg.OPEN), 0)
    assert csv(tables, "trades")[1] == (
        f"2024-01-01T23:50:00Z,{first},SOLUSDT,101.0,2.00000000,0.00200000,SOL"
    )
    assert csv(tables, "orders")[1] == (
        f"2024-01-01T23:45:00Z,mine,SOLUSDT,BUY,MARKET,2.00000000,,{first},FILLED"
    )
    limit = csv(tables, "orders")[3].split(",")
    assert (limit[4], limit[6], limit[8]) == ("LIMIT", "95.00000000", "ACCEPTED")
    assert csv(tables, "equity")[3] == "2024-01-01T23:55:00Z,1004.0,0.0"


def test_parquet_files_hold_the_same_rows_and_the_way_back_to_the_decision(tables):
    trades = pl.read_parquet(io.BytesIO(tables.files()["trades.parquet"]))
    assert trades.equals(tables.trades)
    assert trades["bar_ts_utc"][1] == datetime(2024, 1, 2, tzinfo=UTC)
    assert trades["fee_quote"].to_list() == pytest.approx([0.002 * 101, 0.1])


def test_filled_orders_join_the_fills_of_an_order(tables):
    row = tables.filled_orders.row(0, named=True)
    assert (row["type"], row["avg_price"], row["n_fills"]) == ("MARKET", 101.0, 1)
    assert tables.filled_orders.height == 2


def test_positions_are_open_ones_at_each_days_end_and_all_at_the_last(tables):
    assert tables.positions["ts_utc"].to_list() == [
        datetime(2024, 1, 1, 23, 55, tzinfo=UTC),
        datetime(2024, 1, 2, 0, 10, tzinfo=UTC),
    ]
    assert tables.positions["qty"].to_list() == [Decimal("1.998"), Decimal(0)]
    assert tables.positions["avg_price"].to_list() == [101.0, None]
    assert tables.positions["unrealized_pnl"].to_list() == pytest.approx([1.998, 0.0])


def test_the_equity_curve_is_the_last_mark_of_each_day(tables):
    assert tables.equity_curve["equity"].to_list() == [1004.0, 997.0]
    assert tables.equity_curve["return_pct"].to_list() == pytest.approx([0.4, -0.697211])
    assert tables.equity["drawdown"].max() == pytest.approx(9 / 1006)


def test_performance_of_the_whole_and_out_of_sample(tables):
    result = performance(
        tables,
        opening_equity=1000.0,
        final_cash=996.5,
        oos_start=int(datetime(2024, 1, 2, tzinfo=UTC).timestamp()) * 1_000_000,
    )
    whole, oos = result["all"], result["oos"]
    assert (whole["num_trades"], whole["win_rate"], whole["net_pnl"]) == (1, 0.0, -3.0)
    assert (whole["final_cash"], whole["final_equity"]) == (996.5, 997.0)
    assert whole["fees"] == pytest.approx(0.002 * 101 + 0.1)
    assert whole["traded_notional"] == pytest.approx(401.8)
    assert whole["slippage_cost"] == 2 * 0.25 + 0.999
    assert whole["max_drawdown_pct"] == pytest.approx(900 / 1006)
    assert (oos["initial_cash"], oos["num_trades"], oos["num_fills"]) == (1004.0, 0, 1)
    assert oos["net_return_pct"] == pytest.approx((997 / 1004 - 1) * 100)


def test_net_return_between_two_instants(tables):
    assert net_return_pct(tables.equity, at(2), at(4)) == pytest.approx((1006 / 1002 - 1) * 100)
    assert net_return_pct(tables.equity, at(0), at(2)) == pytest.approx(0.2)
    assert net_return_pct(tables.equity, at(50), at(60)) is None


def test_a_run_without_trades_has_empty_tables_with_all_columns(tables):
    ts = np.array([at(0)], np.int64)
    close = np.array([[100.0]])
    empty = run_tables(
        tags=["mine"],
        instruments=[SOL],
        bars=BarMatrix(ts, close, close, close, close, close),
        opening_equity=1000.0,
        equity=np.array([1000.0]),
        orders=records(CLOSED_ORDER),
        fills=records(FILL),
        round_trips=records(ROUND_TRIP),
        refusals=(),
        financing=records(FINANCING),
        factors=records(FACTOR),
    )
    for name in ("orders", "trades", "filled_orders", "round_trips", "positions"):
        assert getattr(empty, name).schema == getattr(tables, name).schema
    result = performance(empty, opening_equity=1000.0, final_cash=1000.0, oos_start=None)
    assert result["all"]["num_trades"] == 0
    assert result["all"]["win_rate"] is None
    assert result["oos"] is None


def test_the_glossary_is_of_exactly_the_metrics_that_a_run_has(tables):
    found = performance(tables, opening_equity=1000.0, final_cash=1.0, oos_start=None)
    assert set(found["all"]) == set(GLOSSARY)


def test_refusals_name_bar_symbol_rule_and_both_numbers(tables):
    ((_, symbol, rule, limit, was, tag),) = tables.refusals.rows()
    assert (symbol, rule, limit, was, tag) == ("SOLUSDT", "cash", 10.0, 12.5, "mine")
    assert csv(tables, "refusals")[0] == "ts_utc,symbol,rule,limit,was,strategy"


def test_changes_of_the_risk_factor_name_their_reasons(tables):
    ((_, symbol, factor, reasons, tag),) = tables.risk_factor.rows()
    assert tag == "mine"
    assert (symbol, factor, reasons) == ("SOLUSDT", 0.48, "low_confidence|high_volatility")
    assert csv(tables, "risk_factor")[0] == "ts_utc,symbol,risk_factor,reasons,strategy"


def test_financing_names_what_was_paid_for_holding_what(tables):
    ((_, symbol, kind, amount, position, price, nights, tag),) = tables.financing.rows()
    assert (symbol, kind, amount, tag) == ("SOLUSDT", "swap", Decimal("0.25"), "mine")
    assert (position, price, nights) == (Decimal("1.998"), 101.0, 1)
    found = performance(tables, opening_equity=1000.0, final_cash=1.0, oos_start=None)
    assert found["all"]["financing"] == 0.25


def test_slippage_is_exact_to_the_unit_and_not_defined_where_a_venue_filled(tables):
    assert tables.trades["touched_price"].to_list() == [100.75, 100.5]
    assert tables.trades["slippage"].to_list() == [Decimal("0.5"), Decimal("0.999")]
    of_venue = pl.col("slippage").replace(Decimal("0.5"), None)
    venue = replace(tables, trades=tables.trades.with_columns(of_venue))

    found = performance(venue, opening_equity=1000.0, final_cash=1.0, oos_start=None)

    assert found["all"]["slippage_cost"] is None
