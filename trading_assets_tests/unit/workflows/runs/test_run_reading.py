"""Backtests as a list, and one of them as charts and tables read it."""

import json

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.workflows.run_listing import list_runs
from trading_assets.workflows.run_reading import compare_runs, run_detail, run_equity, run_table
from trading_assets_tests.stand_ins.small_desk import SPECS, small_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return small_desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def runs(desk):
    return [desk.runs.current(name) for name in SPECS]


def test_ui_01_runs_are_listed_with_their_speaking_titles_the_newest_first(desk, runs):
    page = list_runs(desk, limit=2)

    assert [row["spec"] for row in page.items] == ["ib_fixed1", "ib_risk1"]
    newest, risky = page.items
    assert risky["title"] == runs[1].manifest["label"]
    assert risky["title"].startswith("IB • Risk 1% • 10k • fees 2bps • ")
    assert (risky["symbols"], risky["timeframe"]) == (["SOLUSDT"], "5m")
    assert risky["is_current"]
    assert risky["metrics"]["num_trades"] == runs[1].table("round_trips").height
    assert newest["links"] == {
        "mlflow": desk.experiments.runs[2][-1].url,
        "dagster": "http://127.0.0.1:3000/assets/backtest/ib_fixed1",
    }
    (last,) = list_runs(desk, limit=2, cursor=page.next).items
    assert last["spec"] == "ema_trend"


def test_a_list_of_runs_reads_no_table(desk, runs, monkeypatch):
    monkeypatch.setattr(type(runs[0]), "table", None)
    assert len(list_runs(desk, limit=9).items) == 3


@pytest.mark.parametrize(
    ("search", "found"),
    [("IB risk", ["ib_risk1"]), ("solusdt 5m", [*reversed(SPECS)]), ("ib 1h", [])],
)
def test_every_word_of_a_search_must_be_there(desk, runs, search, found):
    assert [row["spec"] for row in list_runs(desk, search=search, limit=9).items] == found
    assert list_runs(desk, spec="none", limit=9).items == ()


def test_one_run_says_what_its_months_returned(desk, runs):
    detail = run_detail(desk, "ema_trend")

    (year,) = detail["monthly"]
    growth = [1 + pct / 100 for pct in year["months"] if pct is not None]
    assert len(growth) == 2
    assert 100 * (np.prod(growth) - 1) == pytest.approx(detail["metrics"]["net_return_pct"])
    assert year["total_pct"] == pytest.approx(detail["metrics"]["net_return_pct"])
    assert detail["manifest"]["result_hash"] == runs[0].result_hash
    before, after = (1 + detail[part]["net_return_pct"] / 100 for part in ("in_sample", "oos"))
    whole = 1 + detail["metrics"]["net_return_pct"] / 100
    assert before * after == pytest.approx(whole)
    json.dumps(detail, allow_nan=False)


def test_a_shorter_curve_keeps_the_deepest_drawdown_and_both_ends(desk, runs):
    whole = runs[0].table("equity")
    short = run_equity(desk, "ema_trend", points=60)

    assert 30 < len(short["t"]) <= 60
    assert max(short["drawdown"]) == whole["drawdown"].max()
    assert (min(short["equity"]), max(short["equity"])) == (
        whole["equity"].min(),
        whole["equity"].max(),
    )
    assert short["equity"][-1] == whole["equity"][-1]
    assert short["t"] == sorted(set(short["t"]))
    assert run_equity(desk, "ema_trend", points=2)["t"] == [short["t"][0], short["t"][-1]]
    since = short["t"][5] * 1_000_000
    assert run_equity(desk, "ema_trend", since=since, points=60)["t"][0] == short["t"][5]


@pytest.mark.parametrize(
    ("table", "file"), [("trades", "round_trips"), ("orders", "orders"), ("fills", "trades")]
)
def test_ui_03_pages_of_a_table_are_the_table_backwards(desk, runs, table, file):
    rows, cursor = [], None
    while cursor is not None or not rows:
        page = run_table(desk, "ema_trend", table, limit=7, cursor=cursor)
        rows += page.items
        if page.next is None:
            break
        cursor = page.next
    stored = runs[0].table(file)
    assert len(rows) == stored.height > 7
    first = "entry_ts" if table == "trades" else "ts"
    assert [row[first] for row in rows] == sorted((row[first] for row in rows), reverse=True)
    assert {(row["unit_qty"], row["quote"]) for row in rows} == {("BTC", "USDT"), ("SOL", "USDT")}
    assert sum(row["qty"] for row in rows) == pytest.approx(float(stored["qty"].sum()))
    assert all(isinstance(row["notional"], float) for row in rows if row.get("type") != "MARKET")
    of_btc = run_table(desk, "ema_trend", table, symbol="BTCUSDT", limit=1000).items
    assert {row["symbol"] for row in of_btc} == {"BTCUSDT"}


def test_runs_are_laid_on_one_grid(desk, runs):
    found = compare_runs(desk, ["ema_trend", "ib_risk1"], points=50)

    series = found["series"]
    assert list(series) == ["ema_trend", "ib_risk1"]
    assert series["ema_trend"]["t"] == series["ib_risk1"]["t"]
    assert len(series["ema_trend"]["t"]) <= 51
    for run in runs[:2]:
        own, gain = series[run.spec], run.metrics["all"]["net_return_pct"]
        assert own["equity_index"][-1] == pytest.approx(100 + gain)
        assert max(own["drawdown"]) == run.table("equity")["drawdown"].max()
    assert "strategy" in found["differences"]
    with pytest.raises(DataError, match="compared with itself"):
        compare_runs(desk, ["ema_trend", "ema_trend"], points=50)
    with pytest.raises(DataError, match="So many"):
        compare_runs(desk, ["ema_trend"] * 9, points=50)
