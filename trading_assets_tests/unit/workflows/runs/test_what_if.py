"""What would have been decided: against a desk that lived through it, and what becomes of it."""

import dataclasses
import json
import shutil
import tempfile
from decimal import Decimal

import pytest
import yaml

from trading_assets import bootstrap
from trading_assets.backtest.variants import with_capital
from trading_assets.domain.errors import ConflictError, MissingPartition
from trading_assets.evaluation.decision import Decision
from trading_assets.settings import load_settings
from trading_assets.storage.branch import open_branch
from trading_assets.workflows import remake as remaking
from trading_assets.workflows import remake_examination as examining
from trading_assets.workflows import run_plan
from trading_assets.workflows.assumptions import assume
from trading_assets.workflows.decide import decide
from trading_assets.workflows.enter_trials import enter_run
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import plan_any
from trading_assets.workflows.simulate_run import simulate
from trading_assets.workflows.strategy_specs import find_any, find_spec
from trading_assets.workflows.what_if import what_if
from trading_assets_tests.stand_ins.assumed import BRUTE, DEARER, comparable, tree
from trading_assets_tests.stand_ins.past_decisions import past_of
from trading_assets_tests.unit.workflows.runs.conftest import Notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def make(**variables):
    return bootstrap.desk(load_settings(variables).settings)


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """A desk that has decided five times; tests only read it."""
    return past_of(make, tmp_path_factory.mktemp("past") / "home", Notebook()).tell()


@pytest.fixture
def ask(past):
    def ask(desk=past.desk, *, branch="", report=lambda _: None, **said):
        assumed = assume(desk.settings.gate, **said)
        return what_if(desk, assumed, branch=branch, report=report)

    return ask


@pytest.fixture(scope="module")
def dearer(past):
    """The answer to one question that several tests look at."""
    return what_if(past.desk, assume(past.desk.settings.gate, **DEARER))


@pytest.fixture
def own(past, tmp_path):
    """A copy of that desk, for a test to damage."""
    home = tmp_path / "copy"
    shutil.copytree(past.desk.settings.home, home)
    gate = past.desk.settings.gate.model_dump()
    thresholds = {f"TA_GATE__{key.upper()}": str(value) for key, value in gate.items()}
    desk = make(
        TA_HOME=str(home),
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]',
        TA_SPECS_DIR="specs",
        **thresholds,
    )
    return dataclasses.replace(desk, experiments=Notebook())


# Equal to brute force: a desk that lives through all of it under the other assumptions


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "small" else pytest.mark.long) for n in BRUTE]
)
def test_it_is_what_a_desk_decides_that_lives_through_it(past, ask, tmp_path, name):
    said, change, gate, flips_something = BRUTE[name]
    lived = past_of(make, tmp_path / "lived", Notebook(), change, gate).tell()
    found = ask(**said)
    assert [outcome.then for outcome in found.outcomes] == past.decisions
    for outcome, brute in zip(found.outcomes, lived.decisions, strict=True):
        assert comparable(outcome.now) == comparable(brute)
    pairs = zip(past.decisions, lived.decisions, strict=True)
    flips = [
        then.decision_id
        for then, now in pairs
        if (then.verdict, then.candidate["spec"]) != (now.verdict, now.candidate["spec"])
    ]
    assert [outcome.then.decision_id for outcome in found.flipped] == flips
    assert bool(flips) is flips_something


# Only what is affected


def test_a_threshold_is_judged_by_without_any_run(ask, past, monkeypatch):
    monkeypatch.setattr(remaking, "play", None)
    monkeypatch.setattr(examining, "examination_files", None)
    found = ask(others=["gate.min_net_return_pct=1000"])
    verdicts = [outcome.now.verdict for outcome in found.outcomes]
    assert verdicts == ["hold"] * 5
    assert found.flipped == (found.outcomes[3],)
    assert found.tally.plain()["runs_made_again"] == 0
    assert found.tally.plain()["runs_used_as_they_are"] == 5
    assert all(outcome.now is not None for outcome in found.outcomes)


def test_specs_that_have_these_costs_already_are_not_run_again(ask, monkeypatch):
    monkeypatch.setattr(remaking, "play", None)
    found = ask(fees_bps="2", slippage_x="1.0")
    assert found.flipped == ()
    assert [o.now.payload for o in found.outcomes] == [o.then.payload for o in found.outcomes]
    assert found.tally.runs_made == set()


def test_a_run_that_several_decisions_name_is_made_once(ask, past):
    told = []
    found = ask(report=told.append, **DEARER)
    inputs = [decision.document["inputs"] for decision in past.decisions]
    named = [entry for one in inputs for entry in (*one["candidates"], one["champion"]) if entry]
    runs = {f"{entry['spec']}/{entry['run_id']}" for entry in named}
    assert len(named) > len(runs)
    assert found.tally.runs_made == runs
    made = [line for line in told if line.startswith("run ")]
    assert sorted(made) == sorted(f"run {run}" for run in runs)


def test_the_desk_stays_as_it_is_to_the_byte(ask, past, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    home = past.desk.settings.home
    before = tree(home)
    ask(**DEARER)
    ask(others=["gate.max_pbo=0"])

    def interrupt(what):
        if what.startswith("examination"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(report=interrupt, **DEARER)
    assert tree(home) == before
    assert list(tmp_path.iterdir()) == []  # nor is anything left beside it


def test_the_first_rule_that_differs_is_said(ask):
    found = ask(others=["gate.min_trades=100000"])
    first = found.outcomes[0]
    assert first.difference.startswith("min_trades is not met any more: ")
    assert first.difference.endswith("wanted 100000 instead of 5.")
    assert [change.rule for change in first.rules] == [
        "min_trades",
        # not worth examining any more
        "overfitting_probability",
        "superior_ability",
        "neighbours",
        "stressed",
        "capacity",
    ]


# What cannot be compared is said


def outcome_of(found, n):
    assert len(found.outcomes) == 5
    return found.outcomes[n]


def test_a_decision_by_older_rules_is_listed_and_the_others_are_judged(own, ask):
    document = own.releases.decisions.history("paper")[0].document
    inputs = {**document["inputs"], "gate_code": "0" * 64, "thresholds": {"of": "old"}}
    own.releases.decisions.record(Decision({**document, "inputs": inputs}))
    own.releases.decisions.record(Decision({**document, "schema": 1}))
    found = ask(own, others=["gate.max_pbo=0.1"])
    assert len(found.outcomes) == 7
    assert [outcome.now is None for outcome in found.outcomes] == [False] * 5 + [True] * 2
    assert "other rules than those of today" in found.outcomes[5].difference
    assert found.plain()["not_comparable"] == 2
    assert not found.outcomes[5].flips


def test_an_altered_decision_is_listed_as_one(own, ask):
    document = own.releases.decisions.history("paper")[0].document
    own.releases.decisions.record(Decision({**document, "verdict": "reject"}))
    assert "it was altered" in ask(own, fees_bps="2").outcomes[5].difference


def test_inputs_that_were_collected_are_named(own, ask):
    """The month that was restated is asked for as it was when the decision was made."""
    for symbol in own.settings.symbols:
        (partition,) = [p for p in own.tables.partitions() if p[1:] == (symbol, own_month(own))]
        own.tables.remove(partition, {1}, before=2**62, delete=True)
    found = ask(own, **DEARER)
    assert [outcome.now is None for outcome in found.outcomes] == [False, False, True, True, True]
    assert "is gone" in outcome_of(found, 2).difference
    unaffected = ask(own, others=["gate.max_pbo=0.1"])  # no bar is read
    assert all(outcome.now is not None for outcome in unaffected.outcomes)


def own_month(desk):
    return desk.tables.months("bars_5m", "BTCUSDT")[-1]


def test_a_run_that_is_gone_is_named(own, ask):
    entry = own.releases.decisions.history("paper")[0].document["inputs"]["candidates"][0]
    shutil.rmtree(own.runs.get(entry["spec"], entry["run_id"]).folder)
    found = ask(own, others=["gate.max_pbo=0.1"])
    assert f"No run {entry['run_id']}" in outcome_of(found, 0).difference
    assert outcome_of(found, 3).now is not None


def test_a_damaged_file_is_named(own, ask):
    entry = own.releases.decisions.history("paper")[0].document["inputs"]["candidates"][0]
    path = own.runs.get(entry["spec"], entry["run_id"]).folder / "equity.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert "equity.parquet" in outcome_of(ask(own, **DEARER), 0).difference


def test_a_ledger_that_was_written_anew_is_noticed(own, ask):
    for name in ("trials.jsonl", "trials-head.json"):
        (own.settings.data_root / name).unlink()
    shutil.rmtree(own.settings.data_root / "trial_returns")
    run_backtest(own, find_spec(own.settings, "late"))
    found = ask(own, **DEARER)
    assert all("ledger" in outcome.difference for outcome in found.outcomes)


def test_runs_of_older_code_are_first_made_as_they_were(ask, dearer, monkeypatch):
    """Here the code has another name and the same numbers."""
    monkeypatch.setattr(run_plan, "code_hash", lambda strategy: "f" * 64)
    found = ask(**DEARER)
    assert all(outcome.now is not None for outcome in found.outcomes)
    assert len(found.tally.controls) == 5
    verdicts = [outcome.now.verdict for outcome in dearer.outcomes]
    assert [outcome.now.verdict for outcome in found.outcomes] == verdicts


def test_what_a_change_of_code_does_is_not_taken_for_the_assumption(ask, monkeypatch):
    play = remaking.play

    def other_engine(desk, plan, spec, *rest):
        return play(desk, plan, with_capital(spec, Decimal("1.01")), *rest)

    monkeypatch.setattr(remaking, "play", other_engine)
    monkeypatch.setattr(run_plan, "code_hash", lambda strategy: "f" * 64)
    found = ask(**DEARER)
    assert all(outcome.now is None for outcome in found.outcomes)
    assert "come out otherwise by code of today" in outcome_of(found, 0).difference


@pytest.mark.long
def test_examinations_of_older_code_are_first_made_as_they_were(ask, monkeypatch):
    monkeypatch.setattr(examining, "examination_code", lambda: "other")
    found = ask(**DEARER)
    assert all(outcome.now is not None for outcome in found.outcomes)
    assert len(found.tally.controls) == len(found.tally.examinations_made) == 4


def test_trials_of_sweeps_are_made_again_where_their_bars_are_found(dearer):
    assert len(dearer.tally.trials_made) == 4
    assert dearer.tally.trials_as_recorded == {}


@pytest.mark.long
def test_trials_that_cannot_be_made_again_stay_as_they_were(own, ask):
    """Here no run of the desk is of the spec that was varied."""
    spec = find_spec(own.settings, "late")
    tried = spec.model_copy(update={"params": {**spec.params, "fast": 7}})
    result = simulate(own, plan_any(own, tried)).result
    enter_run(own.settings, result, at=1, purpose="sweep")
    run_backtest(own, spec)
    decision = decide(own, "paper")
    found = ask(own, **DEARER)
    assert found.outcomes[-1].then == decision
    assert found.outcomes[-1].now is not None
    assert found.plain()["made"]["trials_as_recorded"] == {"ema_trend": 1}
    assert ask(own, others=["gate.max_pbo=0.1"]).plain()["made"]["trials_as_recorded"] == {}


# Branches


def test_what_was_interrupted_in_a_branch_goes_on(own, ask, dearer):
    told = []

    def interrupt(what):
        told.append(what)
        if sum(line.startswith("run ") for line in told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(own, branch="dear", report=interrupt, **DEARER)
    found = ask(own, branch="dear", **DEARER)
    assert len(found.tally.runs_made) == 2
    assert len(found.tally.found) >= 3
    again = ask(own, branch="dear", **DEARER)
    assert again.plain()["made"]["runs_made_again"] == 0
    told = [answer.plain()["outcomes"] for answer in (again, found, dearer)]
    assert told[0] == told[1] == told[2]


def test_a_branch_has_one_worker(own, ask):
    with (
        open_branch(own.settings.data_root, "dear"),
        pytest.raises(ConflictError, match="works in branch dear"),
    ):
        ask(own, branch="dear", **DEARER)
    assert ask(own, branch="dear", fees_bps="2").flipped == ()


def test_two_questions_at_once_do_not_meet(ask, dearer):
    other = []

    def meanwhile(what):
        if not other and what.startswith("examination"):
            other.append(None)
            other.append(ask(fees_bps="2"))

    found = ask(report=meanwhile, **DEARER)
    assert found.plain()["outcomes"] == dearer.plain()["outcomes"]
    assert other[1].flipped == ()


# Others


def test_books_and_numbers_of_decisions_are_chosen(past):
    assumed = assume(past.desk.settings.gate, fees_bps="2")
    found = what_if(past.desk, assumed, books=("paper",), last=2)
    assert [outcome.then for outcome in found.outcomes] == past.decisions[-2:]
    with pytest.raises(MissingPartition, match="decided yet about nowhere"):
        what_if(past.desk, assumed, books=("nowhere",))


def test_without_a_decision_there_is_nothing_to_ask(desk):
    with pytest.raises(MissingPartition, match="Nothing was decided yet"):
        what_if(desk, assume(desk.settings.gate, fees_bps="2"))


def test_a_portfolio_pays_the_costs_of_its_account(own, ask):
    members = [{"spec": name, "allocation_pct": 40} for name in ("quick", "calm")]
    values = {"name": "both", "members": members, "cash": 50_000}
    path = own.settings.specs_dir / "both.yaml"
    path.write_text(yaml.safe_dump({**values, "costs": {"fees_bps": 2, "slippage_bps": 1}}))
    run_backtest(own, find_any(own.settings, "both"))
    decide(own, "paper")
    found = ask(own, **DEARER).outcomes[-1]
    path.write_text(yaml.safe_dump({**values, "costs": {"fees_bps": 10, "slippage_bps": 3}}))
    brute = run_backtest(own, find_any(own.settings, "both")).run
    (entry,) = [e for e in found.now.document["inputs"]["candidates"] if e["spec"] == "both"]
    (figures,) = [f for f in found.now.document["field"] if f["spec"] == "both"]
    assert entry["run_id"] == brute.run_id
    assert figures["oos_net_return_pct"] == brute.metrics["oos"]["net_return_pct"]


def test_it_is_plain_values(dearer):
    plain = dearer.plain()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["assumed"] == {"fees_bps": "10", "slippage_x": "3"}
