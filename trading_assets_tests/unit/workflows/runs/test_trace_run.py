"""Orders of a stored run, back to the partitions that it names, and what a flipped bit flags."""

import dataclasses

import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trace import trace_all, trace_order
from trading_assets_tests.stand_ins.damage import flip

TABLE = "bars_5m"
JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)


@pytest.fixture
def run(desk):
    return run_backtest(desk, find_spec(desk.settings, "ema_trend")).run


def statuses(desk, run):
    return {each.order_id: each for each in trace_all(desk, run=f"{run.spec}/{run.run_id}")}


def test_an_order_of_a_run_is_decided_again_to_the_bit(desk, run):
    orders = run.table("orders")
    found = statuses(desk, run)
    assert list(found) == orders["client_order_id"].to_list()
    assert len(found) > 5
    assert {each.status for each in found.values()} == {"equal"}
    for each in found.values():
        kinds = [link.kind for link in each.links]
        assert kinds[:5] == ["run", "inputs", "decision", "signal", "code"]
        assert set(kinds[5:]) == {"bars"}  # a rule has no forecast, model or features

    one = orders["client_order_id"][0]
    assert trace_order(desk, one).origin == f"run ema_trend/{run.run_id}"
    assert trace_order(desk, one, run="ema_trend") == found[one]


def test_a_flipped_bit_flags_the_orders_that_were_not_over_before_its_month(desk, run):
    orders = run.table("orders")
    ended = pl.col("closed_ts_utc").dt.month() == JANUARY.month
    before = set(orders.filter(ended)["client_order_id"])
    assert 0 < len(before) < orders.height
    (symbol, *_) = find_spec(desk.settings, "ema_trend").symbols
    path = desk.tables.path(desk.tables.require(TABLE, symbol, FEBRUARY))
    flip(path)

    found = statuses(desk, run)
    assert {name for name, each in found.items() if each.status == "equal"} == before
    for name, each in found.items():
        assert each.damaged_files == (() if name in before else (str(path),))
        (decision,) = each.of("decision")
        assert decision.status == ("equal" if name in before else "not checkable")


def test_a_restated_month_changes_nothing_of_what_was_run_before(desk, run, lay_bars):
    (symbol, *_) = find_spec(desk.settings, "ema_trend").symbols
    lay_bars(desk, symbol, 9)
    assert {each.status for each in statuses(desk, run).values()} == {"equal"}


@pytest.mark.parametrize("name", ["report.html", "spec.yaml"])
def test_a_file_of_the_run_that_was_altered_is_named(desk, run, name):
    order_id = run.table("orders")["client_order_id"][0]
    flip(run.folder / name)
    found = trace_order(desk, order_id)
    assert (found.status, found.damaged_files) == ("differs", (str(run.folder / name),))


def test_a_run_is_made_again_by_the_longest_hole_of_its_time(desk, make_desk):
    day = pl.col("ts").dt.day()
    for symbol in desk.settings.symbols:
        frame = desk.tables.read(TABLE, symbol, FEBRUARY).filter(day != 2)
        desk.tables.publish(
            TABLE,
            symbol,
            FEBRUARY,
            frame,
            code_version="1",
            parents={},
            extra={"source": "embedded"},
        )
    old = run_backtest(desk, find_spec(desk.settings, "ema_trend")).run
    later = make_desk(TA_SYMBOLS='["BTCUSDT","SOLUSDT"]', TA_BACKTEST__MAX_HOLE_MINUTES="2880")
    now = dataclasses.replace(desk, settings=later.settings)
    assert "segment_end" in str(old.table("orders").rows() + old.table("trades").rows())
    assert {each.status for each in statuses(now, old).values()} == {"equal"}


def test_what_is_no_one_order_is_refused(desk, run):
    with pytest.raises(MissingPartition, match="No one order"):
        trace_order(desk, "ta-nobody")
    with pytest.raises(MissingPartition, match="ema_trend"):
        trace_order(desk, "ta-nobody", run="ema_trend")
    with pytest.raises(ConfigurationError):
        trace_order(desk, "ta-nobody", run="ema_trend", book="paper")
    with pytest.raises(ConfigurationError):
        list(trace_all(desk))
