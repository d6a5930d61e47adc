"""Every entry point writes the ledger of trials, and what it says outlives MLflow and folders."""

import dataclasses
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from trading_assets import Backtest
from trading_assets.domain.errors import ConfigurationError, LedgerBroken
from trading_assets.evaluation.metrics import sharpe_ratio
from trading_assets.storage.trial_chain import HEAD, LEDGER
from trading_assets.workflows.enter_trials import enter_trial
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trial_ledger import (
    adopt_ledger,
    holds,
    read_trials,
    returns_of,
    trials_of_family,
    verify_ledger,
)

FAMILY = "ema_trend"


@pytest.fixture
def root(desk):
    return desk.settings.data_root


def tune(root, value, *, purpose="tune"):
    return enter_trial(
        root, family="forecast", identity={"leaves": value}, ran_on="d", at=1, purpose=purpose
    )


def test_backtests_of_any_door_are_one_trial_with_its_sharpe_and_returns(desk, root):
    spec = find_spec(desk.settings, FAMILY)
    record = run_backtest(desk, spec)
    run_backtest(desk, spec, purpose="reproduce")
    from_python = Backtest(FAMILY, settings=desk.settings).run()

    (first, again) = read_trials(root)
    assert (first["purpose"], again["purpose"]) == ("backtest", "reproduce")
    count = trials_of_family(root, FAMILY)
    returns = from_python.daily["return_pct"].to_numpy() / 100
    assert count.n == 1
    assert count.sharpes == (sharpe_ratio(returns, 1.0),)
    assert count.trials[0].periods == record.run.metrics["all"]["num_days"]
    assert count.trials[0].oos_periods == record.run.metrics["oos"]["num_days"]
    per_year = np.sqrt(record.run.metrics["periods_per_year"])
    assert count.oos_sharpes[0] == pytest.approx(record.run.metrics["oos"]["sharpe"] / per_year)
    assert returns_of(root, count.trials).returns[:, 0].tolist() == returns.tolist()


def test_bars_of_ones_own_are_a_trial_where_there_is_a_desk(desk, root):
    spec = find_spec(desk.settings, FAMILY)
    frames = {s: desk.tables.read("bars_5m", s, m) for s in spec.symbols
              for m in desk.tables.months("bars_5m", s)}  # fmt: skip
    for fast in (4, 5, 5):
        keys = spec.model_dump(mode="json", exclude_unset=True)
        keys["params"] = {**keys.get("params", {}), "fast": fast}
        Backtest(keys, frames, tick="0.01", lot="0.001", settings=desk.settings).run()
    assert trials_of_family(root, FAMILY).n == len(read_trials(root)) == 2

    nowhere = desk.settings.model_copy(
        update={"data_root": root / "no", "tables_root": f"{root}/no/tables"}
    )
    Backtest(spec, frames, tick="0.01", lot="0.001", settings=nowhere).run()
    assert not nowhere.data_root.exists()


def test_deleting_runs_and_folders_changes_nothing_and_deleting_the_ledger_is_noticed(desk, root):
    run_backtest(desk, find_spec(desk.settings, FAMILY))
    before = trials_of_family(root, FAMILY)
    shutil.rmtree(root / "runs")
    shutil.rmtree(root / "mlflow", ignore_errors=True)
    emptied = dataclasses.replace(desk, experiments=type(desk.experiments)())

    assert trials_of_family(root, FAMILY) == before
    (root / LEDGER).unlink()
    (root / HEAD).unlink()
    with pytest.raises(LedgerBroken, match="is lost"):
        trials_of_family(root, FAMILY)
    with pytest.raises(LedgerBroken, match="is lost"):
        run_backtest(emptied, find_spec(desk.settings, FAMILY))
    assert not (root / "runs").exists()


def test_trials_of_models_are_entered_by_anybody(root):
    assert tune(root, 31) == tune(root, "31.0")
    tune(root, 63)
    tune(root, 127, purpose="neighbour")

    assert trials_of_family(root, "forecast").n == 2
    with pytest.raises(ConfigurationError, match="purpose"):
        tune(root, 1, purpose="secret")


def test_a_head_once_counted_is_known_as_long_as_the_ledger_only_grows(root):
    tune(root, 1)
    head = trials_of_family(root, "forecast").head_hash
    tune(root, 2)

    assert holds(root, head)
    for path in (root / LEDGER, root / HEAD):
        path.unlink()
    tune(root, 3)
    assert not holds(root, head)


def test_a_ledger_without_a_chain_is_taken_over_once_and_nothing_is_lost(root):
    old = [
        {"key": f"k{n}", "trial_id": f"t{n % 3}", "strategy": FAMILY, "purpose": "sweep",
         "refusal": "", "params": {"fast": str(n)}, "at": n, "metrics": {"sharpe": 1.5}}
        for n in range(5)
    ]  # fmt: skip
    text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in old) + '{"key": "cut'
    root.mkdir(parents=True, exist_ok=True)
    (root / LEDGER).write_text(text)
    with pytest.raises(LedgerBroken, match="before it was chained"):
        trials_of_family(root, FAMILY)

    tune(root, 1)

    assert trials_of_family(root, FAMILY).n == 3
    rows = [
        {k: v for k, v in row.items() if k not in {"hash", "prev"}} for row in read_trials(root)
    ]
    assert rows[:5] == old
    (note,) = verify_ledger(root)["notes"]
    assert (note["rows"], note["lost"]) == (5, 0)
    assert (root / note["kept_as"]).read_text() == text
    assert adopt_ledger(root, at=2) == {}


def test_those_who_take_a_ledger_over_at_once_lose_no_trial_of_one_another(root):
    old = {"key": "k", "trial_id": "t", "strategy": "forecast", "purpose": "sweep",
           "refusal": "", "params": {}, "at": 0, "metrics": {}}  # fmt: skip
    root.mkdir(parents=True, exist_ok=True)
    (root / LEDGER).write_text(json.dumps(old) + "\n")
    begin = threading.Barrier(8)

    def enter(value):
        begin.wait()
        tune(root, value)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(enter, range(8)))

    assert trials_of_family(root, "forecast").n == 1 + 8
    assert len(verify_ledger(root)["notes"]) == 1


@pytest.mark.parametrize("damage", ["edit", "cut", "lost"])
def test_what_is_lost_is_accepted_by_a_person_only_and_makes_the_count_no_smaller(
    desk, root, damage
):
    run_backtest(desk, find_spec(desk.settings, FAMILY))
    for value in range(4):
        tune(root, value)
    whole = (root / LEDGER).read_bytes()
    if damage == "edit":
        (root / LEDGER).write_bytes(whole.replace(b"tune", b"tunE"))
    elif damage == "cut":
        (root / LEDGER).write_bytes(whole[: len(whole) // 2])
    else:
        (root / LEDGER).unlink()

    with pytest.raises(LedgerBroken):
        adopt_ledger(root, at=9)
    note = adopt_ledger(root, at=9, accept_loss=True)

    assert note["lost"] + note["rows"] == 5
    assert trials_of_family(root, "forecast").n >= 4
    assert trials_of_family(root, FAMILY).lost == note["lost"] > 0
    tune(root, 99)
    assert verify_ledger(root)["lost_rows"] == note["lost"]
