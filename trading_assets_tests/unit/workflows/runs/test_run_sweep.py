"""Sweeps of the desk: their folder, the ledger of trials, MLflow, and going on."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets import Backtest, Sweep
from trading_assets.backtest.sweep_file import (
    FoldsSection,
    SweepFile,
    SweepSection,
    load_sweep,
)
from trading_assets.backtest.trial_identity import trial_identities
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month
from trading_assets.workflows.decide import decide
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import plan_run
from trading_assets.workflows.run_sweep import prepared_of, run_sweep, run_walk_forward
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.sweep_files import find_sweep
from trading_assets.workflows.trial_ledger import (
    count_trials,
    read_trials,
    trials_of_family,
)
from trading_assets_tests.unit.workflows.runs.conftest import bars_of

EXAMPLE = Path(__file__).parents[4] / "docs/examples/sweeps/ema_spans.yaml"


@pytest.fixture
def example():
    return load_sweep(EXAMPLE)


def test_the_example_leaves_its_tables_its_picture_and_its_neighbours(desk, example):
    record = run_sweep(desk, example)

    table = pl.read_parquet(record.folder / "trials.parquet")
    assert table.height == 3 * 3 * 2
    assert record.metadata["best"] == table["sharpe"].max()
    assert record.picture.startswith(b"\x89PNG")
    beside = json.loads((record.folder / "plateau.json").read_text())
    assert beside["count"] >= 3
    assert pl.read_parquet(record.folder / "daily_returns.parquet").width == 1 + table.height


def test_a_trial_of_the_desk_is_a_backtest_on_the_same_bars(desk, example):

    spec = find_spec(desk.settings, example.spec)
    prepared = prepared_of(desk, example)
    keys = spec.model_dump(exclude_unset=True)
    keys["params"] = {**keys.get("params", {}), "fast": 6, "slow": 48}
    table = pl.read_parquet(run_sweep(desk, example).folder / "trials.parquet")

    single = Backtest(
        {**keys, "costs": {**keys["costs"], "slippage_bps": 1}},
        prepared.frames,
        plan_run(desk, spec).instruments,
    ).run()

    row = table.filter(
        (pl.col("fast") == 6) & (pl.col("slow") == 48) & (pl.col("costs.slippage_bps") == 1)
    ).row(0, named=True)
    assert row["state_hash"] == single.log.final_state_hash
    assert row["final_equity"] == single.final_equity


def test_every_trial_is_entered_in_the_ledger_once(desk, example):
    run_sweep(desk, example)
    run_sweep(desk, example)

    rows = read_trials(desk.settings.data_root)
    assert len(rows) == len({row["key"] for row in rows}) == 18
    assert {row["purpose"] for row in rows} == {"sweep"}


def test_costs_and_a_longer_history_make_no_further_trial(desk, example):
    record = run_sweep(desk, example)
    assert record.metadata["distinct_trials"] == 9  # 18 rows, of which half differ by costs alone
    longer = bars_of("SOLUSDT", 5).filter(pl.col("ts").dt.month() == 2)
    desk.tables.publish(
        "bars_5m", "SOLUSDT", Month(2024, 2), longer, code_version="1", parents={},
        extra={"source": "embedded"},
    )  # fmt: skip

    again = run_sweep(desk, example)

    rows = read_trials(desk.settings.data_root)
    assert len(rows) == len({row["key"] for row in rows}) > 18
    assert count_trials(rows) == {"ema_trend": 9}
    assert again.metadata["trials_of_family"] == 9


def test_trials_of_a_family_are_those_of_all_its_sweeps(desk, example):
    run_sweep(desk, example)
    keys = example.model_dump()
    keys["sweep"]["space"] = {**example.sweep.space, "fast": [7]}
    other = SweepFile(**keys)

    record = run_sweep(desk, other)

    assert record.metadata["distinct_trials"] == 3
    assert record.metadata["trials_of_family"] == 9 + 3


def test_a_walk_forward_counts_what_it_has_tried(desk, example):
    record = run_walk_forward(desk, example)

    rows = read_trials(desk.settings.data_root)
    assert {row["purpose"] for row in rows} == {"walk_forward"}
    assert len(rows) == 18 * record.metadata["folds"]
    assert count_trials(rows) == {"ema_trend": record.metadata["distinct_trials"]}
    run_sweep(desk, example)
    assert count_trials(read_trials(desk.settings.data_root)) == {"ema_trend": 9}


def test_the_gate_knows_how_the_trials_of_a_sweep_spread_out_of_sample(desk, example):
    run_sweep(desk, example)
    run_backtest(desk, find_spec(desk.settings, example.spec))

    (candidate,) = decide(desk, "paper").document["inputs"]["candidates"]

    tried = candidate["trials"]
    assert tried["known"] == tried["count"] == 9 + 1
    known = trials_of_family(desk.settings.data_root, "ema_trend")
    assert {trial.oos_periods for trial in known.trials} == {13}  # the last half of 26 days
    assert tried["variance"] == known.variance == pytest.approx(np.var(known.oos_sharpes, ddof=1))
    assert tried["variance"] > 0


def test_a_sweep_from_python_tries_what_a_backtest_of_the_same_forecasts_does(desk, example):
    spec = find_spec(desk.settings, "forecast_driven")
    bars = {
        symbol: frame.with_columns(
            prediction=pl.when(pl.col("ts").dt.hour() % 2 == 0).then(1e-3).otherwise(-1e-3),
            confidence=pl.lit(0.9),
        )
        for symbol, frame in prepared_of(desk, example).frames.items()
    }
    instruments = prepared_of(desk, example).setup.instruments

    Backtest(spec, bars, instruments, settings=desk.settings).run()
    swept = Sweep(
        spec, bars, {"entry_bps": [10.0, 12.0]}, instruments, settings=desk.settings
    ).run()

    known = trials_of_family(desk.settings.data_root, "forecast_driven")
    assert known.n == swept.num_trials == 2
    assert {trial.oos_periods for trial in known.trials} == {len(swept.days)}


def test_a_sweep_that_was_killed_before_its_end_has_entered_what_it_tried(desk, example):
    example = example.model_copy(update={"sweep": example.sweep.model_copy(update={"batch": 4})})

    def stop(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(desk, example, report=stop)
    assert len(read_trials(desk.settings.data_root)) == 4
    run_sweep(desk, example)
    assert len(read_trials(desk.settings.data_root)) == 18


def test_a_sweep_from_python_counts_on_a_desk_and_carries_its_count_elsewhere(desk, example):
    prepared = prepared_of(desk, example)
    bars, instruments = prepared.frames, prepared.setup.instruments
    space = {"fast": [6, 12], "slow": [48], "costs.slippage_bps": [1, 3]}

    on_desk = Sweep(prepared.spec, bars, space, instruments, settings=desk.settings)
    found = on_desk.run()
    on_desk.walk_forward(example.folds)

    rows = read_trials(desk.settings.data_root)
    assert {row["purpose"] for row in rows} == {"sweep", "walk_forward"}
    assert count_trials(rows) == {"ema_trend": 2} == {"ema_trend": found.num_trials}
    nowhere = desk.settings.model_copy(
        update={
            "data_root": desk.settings.data_root / "no",
            "tables_root": f"{desk.settings.data_root}/no/tables",
        }
    )
    away = Sweep(prepared.spec, bars, space, instruments, settings=nowhere)
    assert away.run().num_trials == away.walk_forward(example.folds).num_trials == 2
    assert not nowhere.data_root.exists()


def test_runs_that_are_no_try_and_refusals_are_not_counted():
    row = {"strategy": "mine", "refusal": "", "key": "k"}
    rows = [
        {**row, "purpose": "sweep", "trial_id": "a"},
        {**row, "purpose": "walk_forward", "trial_id": "a"},
        {**row, "purpose": "sweep", "trial_id": "b"},
        {**row, "purpose": "stress", "trial_id": "c"},
        {**row, "purpose": "sweep", "trial_id": "d", "refusal": "fast is above slow"},
        {**row, "purpose": "sweep", "trial_id": "a", "strategy": "other"},
    ]

    assert count_trials(rows) == {"mine": 2, "other": 1}


def test_a_parameter_is_one_trial_however_it_is_written(desk, example):
    spec = find_spec(desk.settings, example.spec)
    same = [{}, {"params.fast": spec.all_params()["fast"]}, {"costs.fees_bps": 9}]
    same += [{"params.fast": float(spec.all_params()["fast"])}]

    assert len(set(trial_identities(spec, same))) == 1
    others = [{"params.fast": 3}, {"sizing.pos_pct": 7}]
    assert len(set(trial_identities(spec, [{}, *others]))) == 3
    assert trial_identities(spec, [{}], shared="code") != trial_identities(spec, [{}])


def test_the_same_sweep_again_finds_its_trials_and_its_folder(desk, example):
    first, second = run_sweep(desk, example), run_sweep(desk, example)

    assert (first.metadata["resumed"], second.metadata["resumed"]) == (0, 18)
    assert first.folder == second.folder
    assert run_sweep(desk, example, resume=False).metadata["resumed"] == 0


def test_mlflow_has_one_parent_and_its_trials_as_children(desk, example):
    run_sweep(desk, example)
    run_sweep(desk, example)

    runs = desk.experiments.runs
    parents = [logged for *_, tags, _, logged in runs if tags.get("kind") == "sweep"]
    children = [tags for _, _, tags, _, _ in runs if tags.get("kind") == "trial"]
    assert len(parents) == 1
    assert {tags["mlflow.parentRunId"] for tags in children} == {parents[0].run_id}
    assert len(children) == 18


def test_folds_of_the_example_leave_their_table(desk, example):
    record = run_walk_forward(desk, example)

    folds = pl.read_parquet(record.folder / "folds.parquet")
    assert folds.height == record.metadata["folds"] > 1
    assert (folds["test_start"] >= folds["train_end"]).all()
    page = (record.folder / "report.html").read_text()
    shown = json.loads(page.split('id="page-data">')[1].split("</script>")[0])
    for boxes in shown["figures"]["folds"]["data"]:
        assert boxes["type"] == "box"
        assert set(boxes["x"]) == {str(number) for number in range(folds.height)}


def test_a_walk_forward_of_another_grid_or_of_an_older_version_has_a_page_of_its_own(desk):
    def walked(spans):
        tried = SweepFile(
            name="spans",
            spec="ema_trend",
            sweep=SweepSection(space={"fast": spans}),
            walk_forward=FoldsSection(train_days=8, test_days=6),
        )
        return run_walk_forward(desk, tried)

    spans = [6, 9, 12, 24, 30]
    wide = walked(spans)
    chosen = pl.read_parquet(wide.folder / "folds.parquet")["fast"].to_list()
    narrow = walked([span for span in spans if span in chosen])
    assert len(set(chosen)) < len(spans)
    assert narrow.result_hash == wide.result_hash
    for record in (wide, narrow):
        page = Path(record.metadata["report file"]).read_text()
        assert f"trials: {record.metadata['distinct_trials']} distinct" in page
    kinds = [tags.get("kind") for *_, tags, _, _ in desk.experiments.runs]
    assert kinds.count("walk_forward") == 2

    older = wide.folder.rename(wide.folder.with_name(wide.result_hash[:16]))
    (older / "report.html").unlink()
    assert Path(walked(spans).metadata["report file"]).is_file()


def test_a_sweep_without_folds_cannot_be_walked(desk, example):
    without = SweepFile(**{**example.model_dump(), "walk_forward": None})

    with pytest.raises(ConfigurationError, match="has no folds"):
        run_walk_forward(desk, without)


def test_sweeps_lie_beside_the_specs(desk, tmp_path):
    folder = tmp_path / "own" / "sweeps"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(EXAMPLE.read_text())
    settings = desk.settings.model_copy(update={"specs_dir": tmp_path / "own"})

    assert find_sweep(settings, "ema_spans").spec == "ema_trend"
    with pytest.raises(ConfigurationError, match="ema_spans"):
        find_sweep(settings, "other")


def test_an_unknown_key_of_a_sweep_file_is_named(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(EXAMPLE.read_text().replace("metric:", "measure:"))

    with pytest.raises(ConfigurationError, match=r"sweep\.measure"):
        load_sweep(path)


def test_a_key_given_twice_is_refused_as_in_a_spec(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text(EXAMPLE.read_text() + "metric: sharpe\n")

    with pytest.raises(ConfigurationError, match="metric") as refused:
        load_sweep(path)
    assert "twice" in str(refused.value)
