"""The one reading of the months held out: what it costs, what it decides, what remains of it."""

import dataclasses
import shutil
from datetime import UTC, datetime

import polars as pl
import pytest
import yaml

from trading_assets import bootstrap
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, content_hash
from trading_assets.settings import load_settings
from trading_assets.workflows import read_holdout as reading
from trading_assets.workflows.assumptions import assume
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.decide import decide, recompute
from trading_assets.workflows.log_decision import held_out_data
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trial_ledger import read_trials, trials_of_family, verify_ledger
from trading_assets.workflows.what_if import what_if
from trading_assets_tests.stand_ins.lenient_gate import THRESHOLDS
from trading_assets_tests.stand_ins.promoted import promote
from trading_assets_tests.stand_ins.trending_bars import lay_instruments, lay_month, trending_bars
from trading_assets_tests.unit.workflows.runs.conftest import Notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

JANUARY, FEBRUARY, MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)
FIRST, END = datetime(2024, 1, 27, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
FAMILY = "ema_trend"
SPECS = {"steady": {"fast": 100, "slow": 400}, "quick": {"fast": 6, "slow": 36}}


def desk_at(home):
    gate = {**THRESHOLDS, "min_days_between_switches": 0}
    environ = {f"TA_GATE__{key.upper()}": str(value) for key, value in gate.items()}
    made = bootstrap.desk(
        load_settings(
            environ
            | {
                "TA_HOME": str(home),
                "TA_SYMBOLS": '["BTCUSDT","SOLUSDT"]',
                "TA_SPECS_DIR": "specs",
                "TA_HOLDOUT__FIRST": "2024-03",
                "TA_HOLDOUT__LAST": "2024-03",
            }
        ).settings
    )
    return dataclasses.replace(made, experiments=Notebook())


def write(desk, name, params, **changes):
    spec = {
        "name": name,
        "strategy": FAMILY,
        "params": params,
        "symbols": list(desk.settings.symbols),
        "cash": 100_000,
        "sizing": {"mode": "pct_of_equity", "pos_pct": 30, "cash_buffer_pct": 2},
        "costs": {"fees_bps": 2, "slippage_bps": 1},
        **changes,
    }
    (desk.settings.specs_dir / f"{name}.yaml").write_text(yaml.safe_dump(spec))
    return run_backtest(desk, find_spec(desk.settings, name)).run


def lay(desk, *months, trend=6e-4, end=END):
    for seed, symbol in enumerate(desk.settings.symbols):
        frame = trending_bars(symbol, seed, FIRST, end, trend=trend)
        for month in months:
            lay_month(desk, symbol, month, frame)


def promoted(desk):
    """Let the book trade the steady one, which the next has to be better than."""
    run = write(desk, "steady", SPECS["steady"])
    promote(desk, "paper", find_spec(desk.settings, "steady"), run, decide(desk, "paper"))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A desk whose book trades, with a better candidate that nobody has judged yet."""
    home = tmp_path_factory.mktemp("held") / "home"
    (home / "specs").mkdir(parents=True)
    desk = desk_at(home)
    lay_instruments(desk, "BTC", "SOL")
    lay(desk, JANUARY, FEBRUARY)
    promoted(desk)
    write(desk, "quick", SPECS["quick"])
    return home


@pytest.fixture(scope="module")
def decided(lived, tmp_path_factory):
    """The same desk after its candidate has read the months, which agree."""
    home = tmp_path_factory.mktemp("decided") / "home"
    shutil.copytree(lived, home)
    made = desk_at(home)
    lay(made, MARCH)
    decide(made, "paper")
    return home


@pytest.fixture
def before(lived, tmp_path):
    shutil.copytree(lived, tmp_path / "before")
    return desk_at(tmp_path / "before")


@pytest.fixture
def desk(decided, tmp_path):
    shutil.copytree(decided, tmp_path / "home")
    return desk_at(tmp_path / "home")


def current(desk):
    return desk.releases.decisions.current("paper")


def rules(decision):
    found = {row["rule"]: row for row in decision.rules if row["stage"] == "held_out"}
    return found["holdout_net_of_costs"], found["holdout_as_expected"]


def entry(decision):
    (found,) = decision.document["inputs"]["candidates"]
    return found


def readings(desk):
    return [row for row in read_trials(desk.settings.data_root) if row["purpose"] == "holdout"]


def tried(desk):
    return trials_of_family(desk.settings.data_root, FAMILY).n


def test_a_candidate_is_held_until_the_months_are_there_and_whole(before):
    count = tried(before)
    absent = decide(before, "paper")
    lay(before, MARCH, end=datetime(2024, 3, 20, tzinfo=UTC))
    cut = decide(before, "paper")
    for decision in (absent, cut):
        assert (decision.verdict, decision.candidate["spec"]) == ("hold", "quick")
        assert [row["passed"] for row in rules(decision)] == [None, None]
        assert "did not pass the stage 'held_out'" in decision.document["reason"]
    assert "bars_5m/BTCUSDT/2024-03 reaches to 2024-03-20" in rules(cut)[0]["note"]
    assert (readings(before), tried(before)) == ([], count)


def test_a_decision_says_what_its_candidate_read_of_the_months(desk):
    decision = current(desk)
    (read,) = held_out_data(desk, decision)
    assert (read.context, read.name) == ("holdout", "months held out 2024-03..2024-03")
    reading_ = desk.examinations.get(entry(decision)["holdout"]["address"])
    assert read.sha256 == content_hash(reading_.document["facts"])
    assert str(read.source).endswith(entry(decision)["holdout"]["address"])


def test_bars_that_are_unsound_hold_the_candidate_and_cost_no_trial(before):
    count = tried(before)
    lay(before, MARCH)
    bars = before.tables.read("bars_5m", "BTCUSDT", MARCH)
    odd = pl.when(pl.int_range(pl.len()) == 9).then(-1.0).otherwise(pl.col("volume"))
    lay_month(before, "BTCUSDT", MARCH, bars.with_columns(volume=odd))
    decision = decide(before, "paper")
    assert (decision.verdict, decision.candidate["spec"]) == ("hold", "quick")
    assert [row["passed"] for row in rules(decision)] == [None, None]
    assert "a volume is negative" in rules(decision)[0]["note"]
    assert (readings(before), tried(before)) == ([], count)
    lay(before, MARCH)
    assert decide(before, "paper").verdict == "promote"


def test_one_that_holds_there_is_promoted_and_the_look_costs_one_trial(before, desk):
    decision = current(desk)
    net, expected = rules(decision)
    assert decision.verdict == "promote"
    assert (net["passed"], expected["passed"], expected["value"]["days"]) == (True, True, 31)
    assert net["value"] == expected["value"]["return_pct"] > 0
    assert decision.document["inputs"]["holdout"] == {"first": "2024-03", "last": "2024-03"}
    assert tried(desk) == tried(before) + 1 == entry(decision)["trials"]["count"]
    (row,) = readings(desk)
    assert (row["spec"], row["held_out"]) == ("quick", ["2024-03", "2024-03"])
    assert "sharpe" not in row  # it was there before anybody knew
    verify_ledger(desk.settings.data_root)
    bars = desk.tables.require("bars_5m", "BTCUSDT", MARCH)
    assert len(blast_radius(desk, bars.address, bars.version).decisions) == 1

    assert decide(desk, "paper").payload == decision.payload
    assert recompute(desk, decision.decision_id).payload == decision.payload
    assert len(readings(desk)) == 1


def test_one_that_disagrees_is_held_and_restated_months_cost_no_second_trial(desk):
    agreed, count = current(desk), tried(desk)
    lay(desk, MARCH, trend=0.0)
    decision = decide(desk, "paper")
    assert (decision.verdict, decision.candidate["spec"]) == ("hold", "quick")
    assert [row["passed"] for row in rules(decision)] == [False, False]
    assert "holdout_net_of_costs" in decision.document["reason"]
    assert entry(decision)["run_id"] == entry(agreed)["run_id"]
    assert entry(decision)["holdout"]["address"] != entry(agreed)["holdout"]["address"]
    assert tried(desk) == count


def test_it_is_counted_before_the_result_is_seen(before, monkeypatch):
    lay(before, MARCH)
    count = tried(before)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reading, "play", killed)
        with pytest.raises(KeyboardInterrupt):
            decide(before, "paper")
    assert tried(before) == count + 1
    assert decide(before, "paper").verdict == "promote"
    assert tried(before) == count + 1


@pytest.mark.parametrize("name", ["examination.json", "returns.parquet"])
def test_damage_is_named_when_recomputing(desk, name):
    path = desk.examinations.root / entry(current(desk))["holdout"]["address"] / name
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=name):
        recompute(desk, current(desk).decision_id)


def test_what_if_reads_again_what_was_read_and_another_spec_costs_another_trial(desk):
    """Costs make another spec, which has to read by itself what a question only computes."""
    read, count = current(desk), tried(desk)
    found = what_if(desk, assume(desk.settings.gate, fees_bps="3"), books=["paper"])
    first, now = (outcome.now for outcome in found.outcomes)
    assert [row["passed"] for row in rules(first)] == [
        None,
        None,
    ]  # nobody had read, nobody does
    assert found.outcomes[1].then == read
    assert len(readings(desk)) == 1

    write(desk, "quick", SPECS["quick"], costs={"fees_bps": 3, "slippage_bps": 1})
    brute = decide(desk, "paper")
    assert [row["value"] for row in rules(now)] == [row["value"] for row in rules(brute)]
    assert rules(now)[0]["value"] < rules(read)[0]["value"]
    assert len({row["trial_id"] for row in readings(desk)}) == 2
    assert tried(desk) == count + 1
