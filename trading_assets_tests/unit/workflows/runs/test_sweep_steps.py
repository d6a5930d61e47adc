"""The asset of a sweep: a step for each batch, that Dagster shows and runs again by itself."""

import dagster as dg
import pytest

from trading_assets.backtest.sweep_file import load_sweep
from trading_assets.defs.assets.sweeps import _sweep
from trading_assets.workflows import run_sweep as workflow
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.unit.workflows.runs.test_run_sweep import EXAMPLE

TEXT = EXAMPLE.read_text().replace("sweep:\n", "sweep:\n  batch: 7\n", 1)


class Opened:
    """The resource of the graph, over the desk of a test."""

    def __init__(self, desk):
        self.desk = desk

    def open(self):
        return self.desk


def write(desk, text):
    folder = desk.settings.home / "own/sweeps"
    folder.mkdir(parents=True)
    (folder / "ema_spans.yaml").write_text(text)
    desk.settings.__dict__["specs_dir"] = folder.parent
    return load_sweep(folder / "ema_spans.yaml")


@pytest.fixture
def materialise(desk):
    def run(sweep):
        asset = _sweep(sweep, find_spec(desk.settings, sweep.spec))
        opened = dg.ResourceDefinition.hardcoded_resource(Opened(desk))
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [asset], instance=instance, resources={"desk": opened}, raise_on_error=False
            )
            failed = [event.step_key for event in result.all_events if event.is_step_failure]
            done = [event.step_key for event in result.all_events if event.is_step_success]
        made = result.asset_materializations_for_node("sweep__ema_spans") if not failed else []
        return failed, done, made

    return run


def batches_in(steps):
    return sorted(step.partition("[")[2].rstrip("]") for step in steps if "[" in step)


def test_each_batch_is_a_step_and_the_table_is_that_of_one_run(desk, materialise):
    sweep = write(desk, TEXT)

    failed, done, (made,) = materialise(sweep)

    assert failed == []
    assert batches_in(done) == ["batch_0000", "batch_0001", "batch_0002"]
    record = workflow.run_sweep(desk, sweep)
    assert made.tags["dagster/data_version"] == record.result_hash
    assert made.metadata["resumed"].value == 18
    assert "heat_map" in made.metadata


def test_a_batch_that_fails_is_one_step_and_the_others_are_not_run_again(
    desk, materialise, monkeypatch
):
    sweep, real, ran = write(desk, TEXT), workflow.run_sweep_batch, {}

    def first(desk, sweep, number, **more):
        if number == 1:
            raise RuntimeError("no memory left")
        return real(desk, sweep, number, **more)

    monkeypatch.setattr(workflow, "run_sweep_batch", first)
    failed, done, _ = materialise(sweep)
    assert batches_in(failed) == ["batch_0001"]
    assert batches_in(done) == ["batch_0000", "batch_0002"]

    def again(desk, sweep, number, **more):
        ran[number] = real(desk, sweep, number, **more)
        return ran[number]

    monkeypatch.setattr(workflow, "run_sweep_batch", again)
    failed, _, _ = materialise(sweep)
    assert failed == []
    assert {number: found["resumed"] for number, found in ran.items()} == {0: 7, 1: 0, 2: 4}


def test_the_batches_of_optuna_are_those_of_one_run(desk):
    text = TEXT.replace("method: grid", "method: optuna\n  trials: 10\n  seed: 3\n  #")
    sweep = write(desk, text)
    last = workflow.run_sweep_batch(desk, sweep, sweep.plan.num_batches - 1)

    by_steps = workflow.run_sweep(desk, sweep)

    assert (sweep.plan.num_batches, last["resumed"]) == (2, 0)  # the first batch was run for it
    assert by_steps.metadata["trials"] == last["trials"]
    assert by_steps.result_hash == workflow.run_sweep(desk, sweep, resume=False).result_hash
