"""The benchmark's works through the public API, against two oracles in plain Python.

`benchmarks/plain.py` is ours, keeps money in whole units and says every trade; the peers' oracle
was written apart from us, with floats. Several seeds and several averages.
"""

import hashlib
import sys
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.oracle

_ROOT = Path(__file__).parents[2]

_MODULES = ("works", "sweep_work", "plain", "own_common", "home")
PERIODS = [(7, 20, 60), (11, 8, 40), (23, 35, 150), (101, 5, 250)]
_W1 = {"warm_up": 1000, "cash": 100_000.0, "fee": 0.001, "slip": 0.0001}


@pytest.fixture(scope="module")
def bench():
    """Give the modules of the benchmarks folder, as `python benchmarks/...` sees them."""
    sys.path.insert(0, str(_ROOT / "benchmarks"))
    try:
        yield {name: import_module(name) for name in _MODULES}
    finally:
        sys.path.remove(str(_ROOT / "benchmarks"))


def found_trades(bench, result):
    """The round trips of a result, in the shape of `plain.Outcome.trades`, sorted."""
    works = bench["works"]
    micros = pl.col("entry_ts_utc", "exit_ts_utc").cast(pl.Datetime("us", "UTC")).to_physical()
    rows = result.trades.with_columns((micros - 1_672_531_200_000_000) // works.BAR_MICROS)
    places = {symbol: i for i, symbol in enumerate(result.spec.symbols)}
    return sorted(
        (places[r["symbol"]], r["entry_ts_utc"], r["exit_ts_utc"], r["entry_price"],
         r["exit_price"], round(float(r["qty"]) * 100_000_000))
        for r in rows.iter_rows(named=True)
    )  # fmt: skip


def require_equal(bench, result, expected):
    assert len(expected.trades) > 50  # an oracle that finds nothing proves nothing
    assert result.num_trades == len(expected.trades)
    found, wanted = found_trades(bench, result), sorted(expected.trades)
    assert [row[:3] + row[5:] for row in found] == [row[:3] + row[5:] for row in wanted]
    prices = [price for row in wanted for price in row[3:5]]
    assert [price for row in found for price in row[3:5]] == pytest.approx(prices, rel=1e-13)
    assert result.final_equity == pytest.approx(expected.equity, abs=1e-6)


@pytest.mark.parametrize(("seed", "fast", "slow"), PERIODS)
@pytest.mark.parametrize("mode", ["pct", "qty"])
def test_w1_trades_and_ends_as_plain_python_says(bench, seed, fast, slow, mode):
    bars = bench["own_common"].make_bars(n=20_000, seed=seed)
    run = bench["works"].backtest(
        "w1", mode, bench["works"].frame_of(bars), fast=fast, slow=slow
    )  # fmt: skip
    size = {"fraction": 0.1} if mode == "pct" else {"quantity": 0.1}

    result = run.run()

    expected = bench["plain"].cross_portfolio([bars], fast=fast, slow=slow, **size, **_W1)
    require_equal(bench, result, expected)
    assert result.final_equity == pytest.approx(expected.equity, abs=1e-9)


@pytest.mark.parametrize("seed", [7, 11, 23, 101])
def test_w2_trades_and_ends_as_plain_python_says(bench, seed):
    bars = bench["own_common"].make_bars(n=20_000, seed=seed)

    result = bench["works"].backtest("w2", "qty", bench["works"].frame_of(bars)).run()

    expected = bench["plain"].inside_bars(bars, quantity=0.01, tick=0.01, **_W1)
    require_equal(bench, result, expected)


@pytest.mark.parametrize(("seed", "fast", "slow"), PERIODS)
@pytest.mark.parametrize("mode", ["pct", "qty"])
def test_w4_shares_one_cash_as_plain_python_does(bench, seed, fast, slow, mode):
    works = bench["works"]
    many = bench["home"].portfolio_bars(bench["own_common"], 20, 3_000, seed)
    frames = [works.frame_of(b, s) for b, s in zip(many, works.W4_SYMBOLS, strict=True)]
    size = {"fraction": works.W4_PCT} if mode == "pct" else {"quantity": works.W4_QTY}

    result = works.backtest("w4", mode, frames, fast=fast, slow=slow).run()

    expected = bench["plain"].cross_portfolio(many, fast=fast, slow=slow, **size, **_W1)
    require_equal(bench, result, expected)


def test_a_strategy_that_is_asked_trades_w1_as_its_columns_do(bench):
    bars = bench["own_common"].make_bars(n=12_000, seed=7)
    frame = bench["works"].frame_of(bars)

    asked = bench["works"].backtest("w1", "pct", frame, asked=True).run()

    columns = bench["works"].backtest("w1", "pct", frame).run()
    assert asked.num_trades == columns.num_trades > 50
    assert asked.final_equity == columns.final_equity


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", [41])
def test_all_pairs_of_a_year_of_w3_are_their_single_runs_to_the_bit(bench, seed):
    work = bench["sweep_work"]
    frame = bench["works"].frame_of(bench["own_common"].make_bars(seed=seed))

    rows = work.sweep(frame).run().table.to_dicts()

    assert len({(row["fast"], row["slow"]) for row in rows}) == len(rows) == 200
    for row in rows:
        one = work.single(frame, row["fast"], row["slow"]).run()
        assert row["state_hash"] == one.log.final_state_hash
        assert row["fills_hash"] == hashlib.sha256(one.log.fills.data).hexdigest()
        assert (row["num_trades"], row["final_equity"]) == (one.num_trades, one.final_equity)
        assert one.num_trades > 100


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(("seed", "fast", "slow"), PERIODS)
def test_a_year_of_w1_agrees_with_the_peers_oracle(bench, peers, seed, fast, slow):
    oracle, common = peers
    bars = common.make_bars(seed=seed)
    works = bench["works"]

    result = works.backtest("w1", "pct", works.frame_of(bars), fast=fast, slow=slow).run()

    same_lots = oracle.w1(bars, "pct", fast=fast, slow=slow, lot=1e-8)
    assert result.num_trades == same_lots["trades"] > 100
    assert result.final_equity == pytest.approx(same_lots["final_equity"], abs=1e-6)
    assert result.final_equity == pytest.approx(same_lots["final_equity"], rel=1e-9)
    without_lots = oracle.w1(bars, "pct", fast=fast, slow=slow)
    assert result.num_trades == without_lots["trades"]
    same_money = bench["plain"].cross_portfolio(
        [bars], fast=fast, slow=slow, fraction=0.1, **_W1
    )  # fmt: skip
    require_equal(bench, result, same_money)
    assert result.final_equity == pytest.approx(same_money.equity, abs=1e-9)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", [7, 11, 23, 101])
def test_a_year_of_w2_agrees_with_the_peers_oracle(bench, peers, seed):
    oracle, common = peers
    bars = common.make_bars(seed=seed)

    result = bench["works"].backtest("w2", "qty", bench["works"].frame_of(bars)).run()

    expected = oracle.w2(bars)
    assert result.num_trades == expected["trades"] > 100
    assert result.final_equity == pytest.approx(expected["final_equity"], abs=1e-6)
    same_money = bench["plain"].inside_bars(bars, quantity=0.01, tick=0.01, **_W1)
    require_equal(bench, result, same_money)
