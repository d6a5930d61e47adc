"""A release that trades with play money is judged by its journal; real money comes in steps."""

import shutil
from datetime import date
from decimal import Decimal

import dagster as dg
import pytest
from typer.testing import CliRunner

from trading_assets.defs.assets import conduct, live
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.events import (
    BookArmed,
    EquityMarked,
    TradingHalted,
)
from trading_assets.interfaces.cli.main import app
from trading_assets.storage.journal import Journal
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_conduct import live_conduct
from trading_assets.workflows.log_conduct import log_conduct
from trading_assets.workflows.ramp import allowance
from trading_assets_tests.stand_ins.lived_book import (
    BAR,
    PROBATION,
    START,
    Life,
    desk_of,
    promoted,
    usual_gain,
)
from trading_assets_tests.stand_ins.lived_book import proven as lived


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made")
    lived(home)
    return home


@pytest.fixture
def proven_desk(made, tmp_path):
    """A desk whose paper book has traded the release for a week, as predicted."""
    shutil.copytree(made, tmp_path / "home")
    return desk_of(tmp_path / "home")


@pytest.fixture
def desk(proven_desk):
    """The same before the paper book has traded."""
    shutil.rmtree(live_book(proven_desk.settings, "paper").folder)
    return proven_desk


@pytest.fixture
def release(desk):
    return desk.releases.require("paper")


def rows(report):
    return {rule.rule: rule for rule in (*report.demotion, *report.probation)}


def exact(_day):
    return True


def test_whole_days_since_the_release_was_taken_count(desk, release):
    with Life(desk, "paper", release) as life:
        life.days(5, 0.001)
    report = live_conduct(desk, "paper", is_exact=exact)
    found = rows(report)
    assert (report.release_id, report.basis) == (release.release_id, "gate")
    # The journal ends in the first minutes of the fifth day, which is not over.
    assert found["lived_long_enough"].value == {"days": 4, "entries": 4}
    assert report.as_of == START + 5 * DAY
    assert found["within_band"].value["return_pct"] == pytest.approx((1.001**3 - 1) * 100)
    assert found["parity_exact"].value == {"days": 4, "exact": 4, "unknown": 0}
    assert not report.has_proven_itself


def test_what_came_before_the_release_was_taken_is_not_its_own(desk, release):
    other = promoted(desk, capital=1.0)
    with Life(desk, "paper", release) as life:
        life.days(3, -0.2)
        life.journal.append([TradingHalted(life.at, "daily loss", source="risk")])
        life.open(life.at + BAR, other.release_id)
        life.days(4, 0.001)
    report = live_conduct(desk, "paper", is_exact=exact)
    found = rows(report)
    assert report.release_id == other.release_id
    assert found["lived_long_enough"].value == {"days": 3, "entries": 3}
    assert found["never_halted"].passed
    assert found["drawdown_as_predicted"].value["live_pct"] == 0.0


def test_a_loss_that_was_not_predicted_is_found_wanting(desk, release):
    with Life(desk, "paper", release) as life:
        life.days(6, -0.05)
    report = live_conduct(desk, "paper", is_exact=exact)
    wanting = report.found_wanting(desk.settings.conduct.demotes_by)
    assert {rule.rule for rule in wanting} == {"within_band", "drawdown_as_predicted"}
    assert report.found_wanting(("exact_lately",)) == ()
    assert rows(report)["drawdown_as_predicted"].value["live_pct"] > 18


def test_without_its_run_nothing_is_predicted_and_nothing_demotes(desk, release, monkeypatch):
    with Life(desk, "paper", release) as life:
        life.days(6, -0.05)
    runs = desk.settings.data_root / "runs"
    runs.rename(runs.with_name("gone"))
    report = live_conduct(desk, "paper", is_exact=exact)
    assert rows(report)["within_band"].passed is None
    assert report.found_wanting(desk.settings.conduct.demotes_by) == ()


def test_dearer_fills_than_the_rules_make_them_are_seen(desk, release):
    with Life(desk, "paper", release) as life:
        life.days(8, worse=0.005)
    found = rows(live_conduct(desk, "paper", is_exact=exact))["fills_as_modelled"]
    assert found.passed is False
    assert found.value["mean_bps"] == pytest.approx(50.0, abs=10.0)


def test_the_report_of_a_day_does_not_look_beyond_it(desk, release):
    with Life(desk, "paper", release) as life:
        life.days(5)
    before = live_conduct(desk, "paper", is_exact=exact, until=date(2024, 4, 4))
    with Journal(
        live_book(desk.settings, "paper").folder,
        book="paper", epoch="virtual", clock=desk.clock, holder="test",
    ) as journal:  # fmt: skip
        journal.append([EquityMarked(START + 5 * DAY + BAR, Decimal(1), 0.9)])
    after = live_conduct(desk, "paper", is_exact=exact, until=date(2024, 4, 4))
    assert before.as_of == START + 4 * DAY
    assert before.conduct_id == after.conduct_id


def test_a_book_that_never_traded_is_named(desk):
    folder = live_book(desk.settings, "paper").folder
    Journal(folder, book="paper", epoch="wall", clock=desk.clock, holder="test").close()
    with pytest.raises(MissingPartition, match="has not traded yet"):
        live_conduct(desk, "paper", is_exact=exact)


def test_the_graph_takes_a_book_back_once_and_the_gate_holds_the_spec(desk, release, monkeypatch):
    for name, value in {**PROBATION, "TA_HOME": str(desk.settings.home)}.items():
        monkeypatch.setenv(name, value)
    other = promoted(desk, capital=7.0)
    with Life(desk, "paper", other) as life:
        life.days(6, -0.05)

    def materialised(day):
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [*live.LIVE_RUNS, conduct.live_conduct, conduct.conduct_checks],
                instance=instance,
                partition_key=day,
                resources={"desk": DeskResource()},
            )
            (made,) = result.asset_materializations_for_node("live_conduct")
            (check,) = result.get_asset_check_evaluations()
            return made.metadata, check

    metadata, check = materialised("2024-04-06")
    assert not check.passed
    assert metadata["has_proven_itself"].value == {"paper": False}
    assert {row.data["rule"] for row in metadata["paper probation"].value.records} >= {
        "lived_long_enough",
        "parity_exact",
    }
    assert "goes back to release" in check.metadata["done"].value[0]
    assert desk.releases.current_id("paper") == release.release_id
    said = desk.releases.history("paper")[-1]["rolled_back"]
    assert said["by"] == "conduct"
    assert said["reason"].startswith("within_band: ")

    _, again = materialised("2024-04-06")
    assert "nothing" in again.metadata["done"].value[0]
    assert len(desk.releases.history("paper")) == 3


def test_mlflow_has_one_run_for_a_release_and_its_figures_grow(desk, release):
    with Life(desk, "paper", release) as life:
        life.days(2, 0.001)
        first = live_conduct(desk, "paper", is_exact=exact)
        life.days(1, 0.001)
        second = live_conduct(desk, "paper", is_exact=exact)
    pages = [log_conduct(desk, report, {"dagster.run_id": "d1"}) for report in (first, second)]
    assert pages[0] == pages[1]
    ((tags, values),) = [
        (tags, values)
        for experiment, _, tags, values, _ in desk.experiments.runs
        if experiment == "ta/ema_trend/live"
    ]
    assert (tags["release_id"], tags["probation"]) == (release.release_id, "open")
    assert values["metrics"]["lived_long_enough.days"] == 2  # the third is not over
    assert values["metrics"]["within_band.return_pct"] == pytest.approx(0.1)  # since its first mark


# Real money


@pytest.fixture
def proven(proven_desk):
    return proven_desk.releases.require("paper")


def test_a_release_that_has_proven_itself_begins_with_a_tenth(proven_desk, proven):
    found = allowance(proven_desk, "real", proven.release_id, is_exact=exact)
    assert (found.step, found.capital) == (0, Decimal("10000.00"))
    assert found.conduct_id == live_conduct(proven_desk, "paper", is_exact=exact).conduct_id


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"capital": None}, "no capital that the market carries"),
        ({"basis": "bootstrap"}, "stands by bootstrap, with rules waived"),
    ],
)
def test_a_release_that_passed_no_gate_may_not_move_real_money(desk, terms, said):
    release = promoted(desk, **terms)
    with Life(desk, "paper", release) as life:
        life.days(9, usual_gain(desk, release))
    with pytest.raises(ConfigurationError, match=said):
        allowance(desk, "real", release.release_id, is_exact=exact)


def test_a_release_on_probation_may_not_move_real_money(desk, release):
    with Life(desk, "paper", release) as life:
        life.days(4, usual_gain(desk, release))
    with pytest.raises(ConfigurationError, match="lived_long_enough is not met"):
        allowance(desk, "real", release.release_id, is_exact=exact)
    with pytest.raises(ConfigurationError, match="parity_exact is not known"):
        allowance(desk, "real", release.release_id, is_exact=lambda _: None)


def test_a_release_that_the_paper_book_does_not_trade_is_refused(proven_desk, proven):
    other = promoted(proven_desk, capital=7.0)
    with pytest.raises(ConfigurationError, match=f"book paper trades release {proven.release_id}"):
        allowance(proven_desk, "real", other.release_id, is_exact=exact)


def armed(life, step, ts=None):
    leave = BookArmed(
        ts or life.at, "ann", "proven", "api.binance.com", life.release.release_id, 1, "",
        Decimal(10_000), step, "c",
    )  # fmt: skip
    life.journal.append([leave])


@pytest.mark.parametrize(
    ("days", "filled", "is_halted", "step"),
    [(3, True, False, 1), (2, True, False, 0), (3, False, False, 0), (3, True, True, 0)],
)
def test_a_step_is_earned_by_days_fills_and_peace(
    proven_desk, proven, days, filled, is_halted, step
):
    with Life(proven_desk, "real", proven) as life:
        armed(life, 0)
        life.days(days - 1, filled=filled)
        if is_halted:
            life.journal.append([TradingHalted(life.at + BAR, "stale feed", source="feed")])
        armed(life, 0, life.at + 2 * BAR)  # a leave ends after a while; the step goes on
        life.days(1, filled=filled)
    found = allowance(proven_desk, "real", proven.release_id, is_exact=exact)
    assert found.step == step
    assert found.capital == Decimal((10_000, 50_000)[step])


def test_the_ramp_ends_with_the_whole_and_a_lower_step_may_be_chosen(proven_desk, proven):
    with Life(proven_desk, "real", proven) as life:
        for step in range(3):
            armed(life, step)
            life.days(3)
    assert allowance(proven_desk, "real", proven.release_id, is_exact=exact).step == 2
    assert allowance(proven_desk, "real", proven.release_id, step=1, is_exact=exact).step == 1
    for wrong in (3, -1):
        with pytest.raises(ConfigurationError, match="step 0 to 2"):
            allowance(proven_desk, "real", proven.release_id, step=wrong, is_exact=exact)


def test_another_release_begins_the_ramp_anew(proven_desk, proven):
    with Life(proven_desk, "real", proven) as life:
        armed(life, 2)
        life.days(3)
        leave = BookArmed(life.at, "ann", "why", "h", "other", 1, "", Decimal(1), 1, "c")
        life.journal.append([leave])
        life.days(3)
    assert allowance(proven_desk, "real", proven.release_id, is_exact=exact).step == 0


@pytest.mark.parametrize(("typed", "code"), [("arm real\n", 0), ("yes\n", 1), ("arm paper\n", 1)])
def test_arming_asks_a_person_to_type_it(proven_desk, proven, monkeypatch, typed, code):
    for name, value in {**PROBATION, "TA_HOME": str(proven_desk.settings.home)}.items():
        monkeypatch.setenv(name, value)
    # Its days were written by hand, so that a replay of them would find no decisions.
    monkeypatch.setenv("TA_CONDUCT__MIN_EXACT_SHARE", "0")
    place = live_book(proven_desk.settings, "real")
    arguments = ("arm", "--book", "real", "--release", proven.release_id, "--by", "ann")
    result = CliRunner().invoke(app, [*arguments, "--reason", "ready"], input=typed)
    assert result.exit_code == code, result.output
    assert "REAL MONEY" in result.output
    assert "10000.00 of its equity" in result.output
    assert place.arm_token.exists() == (code == 0)
    assert "secret-of-the-test" not in result.output
