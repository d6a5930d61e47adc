"""A spec on frames in memory, as a person writes it in a notebook."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from trading_assets import Backtest, Instrument, compare, load_spec
from trading_assets.backtest.prepared import DEFAULT_MAX_HOLE
from trading_assets.backtest.runner import run
from trading_assets.domain.errors import ConfigurationError, DataError, UnknownSymbol
from trading_assets.domain.ids import symbol_from_text
from trading_assets.market.bar_frame import TS
from trading_assets.strategies.evaluate import bar_matrix, evaluate, signal_matrix
from trading_assets.strategies.spec import parse_spec

SOL = symbol_from_text("SOLUSDT")
INSTRUMENT = Instrument(SOL, "SOL", "USDT", Decimal("0.01"), Decimal("0.001"))
GRID = {"tick": "0.01", "lot": "0.001"}


@pytest.fixture
def spec(spec_text):
    return parse_spec(spec_text, where="test")


def test_it_is_signals_and_the_runner(spec, minutes):
    backtest = Backtest(spec, {SOL: minutes}, [INSTRUMENT])
    result = backtest.run()

    strategy = spec.build_strategy()
    frame = backtest.prepared.frames[SOL]
    bars = bar_matrix({SOL: frame}, [SOL])
    signals = {SOL: evaluate(strategy, frame)}
    matrix = signal_matrix(strategy.family, signals, [SOL], bars.ts)
    same = run(spec.engine_setup([INSTRUMENT]), bars, matrix, max_hole=DEFAULT_MAX_HOLE)
    assert frame.height == minutes.height // 5
    assert result.num_trades > 10
    assert result.log.log_hash == same.log_hash


def test_a_spec_may_be_an_object_text_keys_or_a_file(spec, spec_text, minutes, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(spec_text)
    keys = {**spec.model_dump(exclude_unset=True), "cash": Decimal(10_000)}
    ways = (spec, spec_text, keys, path, str(path), load_spec(path))

    hashes = {Backtest(way, minutes, **GRID).run().result_hash for way in ways}

    assert len(hashes) == 1


def test_a_shipped_spec_trades_the_symbols_of_the_bars(minutes):
    result = Backtest("ema_trend", {"AAA": minutes, "BBB": minutes}, **GRID).run()

    assert result.spec.symbols == ("AAA", "BBB")
    assert result.trades["symbol"].unique().sort().to_list() == ["AAA", "BBB"]


def test_an_unknown_spec_is_named(minutes):
    with pytest.raises(ConfigurationError, match="'no_such'"):
        Backtest("no_such", minutes, **GRID)


def test_bars_of_the_specs_own_size_are_taken_as_they_are(spec, minutes):
    first = Backtest(spec, {SOL: minutes}, [INSTRUMENT])

    second = Backtest(spec, first.prepared.frames, [INSTRUMENT])

    assert second.run().result_hash == first.run().result_hash


def test_one_table_with_a_column_symbol_is_as_good_as_a_table_each(minutes):
    spec = {
        "name": "both", "strategy": "ema_trend", "symbols": ["AAA", "BBB"], "cash": 1000,
        "sizing": {"mode": "pct_of_equity", "pos_pct": 40},
    }  # fmt: skip
    each = dict.fromkeys(("AAA", "BBB"), minutes)
    one = pl.concat([minutes.with_columns(symbol=pl.lit(name)) for name in each]).sort("ts")

    assert (
        Backtest(spec, one, **GRID).run().result_hash
        == Backtest(spec, each, **GRID).run().result_hash
    )


def test_a_symbol_without_bars_is_named(spec):
    with pytest.raises(UnknownSymbol, match="SOLUSDT"):
        Backtest(spec, {}, [INSTRUMENT])


def test_one_table_for_two_symbols_is_refused(minutes, spec_text):
    with pytest.raises(DataError, match="One table of bars for several symbols"):
        Backtest(spec_text.replace("[SOLUSDT]", "[SOLUSDT, BTCUSDT]"), minutes, **GRID)


@pytest.mark.parametrize("zero", ["tick", "lot"])
def test_a_step_of_zero_is_refused(spec, minutes, zero):
    with pytest.raises(ConfigurationError, match=f"SOLUSDT: bad {zero}"):
        Backtest(spec, minutes, **{**GRID, zero: "0"})


def test_steps_have_to_be_said(spec, minutes):
    with pytest.raises(ConfigurationError, match="tick and lot, or instruments"):
        Backtest(spec, minutes)


@pytest.mark.parametrize(
    "needs", ["costs.impact_bps", "costs.sqrt_impact", "rules.participation_pct"]
)
def test_bars_without_volume_are_refused_where_the_spec_needs_one(spec, minutes, needs):
    section, key = needs.split(".")
    values = spec.model_dump(exclude_unset=True)
    values[section] = {**values.get(section, {}), key: 10}

    with pytest.raises(DataError, match=r"SOLUSDT at 2024-03-01 00:00:00\+00:00 has no volume"):
        Backtest(values, minutes.drop("volume"), **GRID)
    assert Backtest(values, minutes, **GRID).run().num_trades > 0


def test_nights_are_paid_and_tell_in_table_metric_and_equity(spec, minutes):
    keys = spec.model_dump(exclude_unset=True)
    held = {**keys, "profile": "margin", "params": {**keys["params"], "short": True}}
    free, paid = (
        Backtest(
            {**held, "costs": {"swap_long_bps": bps, "swap_short_bps": bps}}, minutes, **GRID
        ).run()
        for bps in (0, 100)
    )
    assert paid.financing.height > 0
    assert paid.metrics["financing"] == float(sum(paid.financing["amount"])) > 0
    assert paid.final_equity < free.final_equity
    assert free.financing.is_empty()


def test_a_span_trades_its_bars_only_and_signals_look_back_before_it(spec, minutes):
    whole = Backtest(spec, minutes, **GRID).run()
    part = Backtest(spec, minutes, **GRID, start="2024-03-03", end="2024-03-04T12:00").run()

    assert (
        part.equity["ts_utc"][0]
        == pl.Series(["2024-03-03"]).str.to_datetime("%Y-%m-%d", time_zone="UTC")[0]
    )
    assert part.equity.height == 36 * 12
    first_day = pl.col("ts_utc") < part.equity["ts_utc"][12]
    decided = part.orders.filter(first_day)["ts_utc"].to_list()
    assert decided  # within the first hour: nothing had to warm up
    assert set(decided) - set(whole.orders["ts_utc"]) == set(decided[:1]) - set(
        whole.orders["ts_utc"]
    )


def test_a_span_without_bars_is_refused(spec, minutes):
    with pytest.raises(DataError, match="no bar to trade"):
        Backtest(spec, minutes, **GRID, start="2025-01-01")
    with pytest.raises(DataError, match="span is empty"):
        Backtest(spec, minutes, **GRID, start="2024-03-04", end="2024-03-03")


_ANOTHER_PROCESS = """
import sys
import polars as pl
from trading_assets import Backtest
bars = pl.read_parquet(sys.argv[1])
result = Backtest(open(sys.argv[2]).read(), bars, tick="0.01", lot="0.001").run()
print(pl.thread_pool_size(), result.result_hash, result.manifest["run_id"])
"""


@pytest.mark.slow
def test_another_process_with_other_threads_finds_the_same(spec_text, minutes, tmp_path):
    bars, spec = tmp_path / "bars.parquet", tmp_path / "spec.yaml"
    minutes.write_parquet(bars)
    spec.write_text(spec_text)
    here = Backtest(spec, minutes, **GRID).run()
    found = {}
    for threads in ("1", "3"):
        environment = os.environ | {
            "POLARS_MAX_THREADS": threads,
            "NUMBA_NUM_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "PYTHONHASHSEED": threads,
        }
        command = [sys.executable, "-c", _ANOTHER_PROCESS, str(bars), str(spec)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        size, *found[threads] = done.stdout.split()
        assert size == threads
    assert found["1"] == found["3"] == [here.result_hash, here.manifest["run_id"]]


def test_the_manifest_tells_other_bars_other_code_and_other_settings_apart(spec, minutes):
    first = Backtest(spec, minutes, **GRID).run().manifest
    other_bars = Backtest(spec, minutes.head(-5), **GRID).run().manifest
    dearer = parse_spec(spec.canonical_yaml().replace("fees_bps: '2'", "fees_bps: '3'"), where="x")
    other_spec = Backtest(dearer, minutes, **GRID).run().manifest

    hashes = ("data_hash", "code_hash", "config_hash", "result_hash")
    assert all(len(first[name]) == 64 for name in hashes)
    assert [first[n] == other_bars[n] for n in hashes] == [False, True, True, False]
    assert [first[n] == other_spec[n] for n in hashes] == [True, True, False, False]
    assert json.loads(json.dumps(first)) == first


def test_text_and_notebook_show_title_metrics_reasons_and_hash(spec, minutes):
    result = Backtest(spec, minutes, **GRID).run()

    for shown in (repr(result), result._repr_html_()):
        assert result.label in shown
        assert "Sharpe" in shown
        assert f"{result.why_not.traded:,} traded" in shown
        assert result.result_hash[:16] in shown
    assert "<polyline" in result._repr_html_()
    assert "http" not in result._repr_html_()


def test_exports_are_named_as_in_a_stored_run(spec, minutes, tmp_path):
    result = Backtest(spec, minutes, **GRID).run()

    parquet, csv = result.to_parquet(tmp_path / "p"), result.to_csv(str(tmp_path / "c"))

    names = {"orders", "trades", "filled_orders", "round_trips", "positions", "equity"}
    names |= {"equity_curve", "refusals", "financing", "risk_factor"}
    assert {path.stem for path in parquet} == {path.stem for path in csv} == names | {"manifest"}
    assert pl.read_parquet(tmp_path / "p/round_trips.parquet").equals(result.trades)
    assert pl.read_parquet(tmp_path / "p/trades.parquet").equals(result.fills)
    assert (tmp_path / "c/equity.csv").read_text().startswith("ts_utc,equity,drawdown\n")
    assert json.loads((tmp_path / "c/manifest.json").read_text()) == result.manifest


def test_runs_are_compared_on_a_page(spec_text, minutes, tmp_path):
    dearer = spec_text.replace("fees_bps: 2.0", "fees_bps: 20")
    results = {
        name: Backtest(text, minutes, **GRID).run()
        for name, text in (("cheap", spec_text), ("dear", dearer))
    }

    page = compare(results, tmp_path / "new/compared.html").read_text()

    assert "2 runs compared" in page
    assert "<td>costs.fees_bps</td><td>2</td><td>20</td>" in page
    assert "<td>cash</td>" not in page  # the same in both
    for result in results.values():
        assert f"{result.metrics['net_return_pct']:,.2f} %" in page
    with pytest.raises(DataError, match="So many runs"):
        compare({"one": results["cheap"]}, tmp_path / "one.html")


def test_the_desk_gives_its_own_grid(spec):
    with pytest.raises(ConfigurationError, match="The desk knows its instruments"):
        Backtest(spec, tick="0.01")


def test_the_front_door_loads_no_heavy_library_before_it_is_used():
    statement = (
        "import trading_assets as ta, sys; loaded = set(sys.modules); ta.Backtest;"
        "print('polars' in loaded, 'mlflow' in sys.modules, 'dagster' in sys.modules,"
        "'plotly' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout.split() == ["False"] * 5


def test_equal_instants_in_another_zone_and_unit_are_the_same_bars(spec, minutes):
    berlin = pl.col("ts").cast(pl.Datetime("ms", "UTC")).dt.convert_time_zone("Europe/Berlin")
    renamed = minutes.with_columns(berlin).rename(str.title).rename({"Ts": "ts"})

    assert renamed.schema["ts"] != TS
    assert "Open" in renamed.columns
    assert (
        Backtest(spec, renamed, **GRID).run().result_hash
        == Backtest(spec, minutes, **GRID).run().result_hash
    )
