"""A spec that is charged by what fills have cost: point in time, by version, pinned."""

import dataclasses
from decimal import Decimal
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.domain.instants import FOREVER
from trading_assets.market.table_columns import COST_COLUMNS
from trading_assets.strategies.portfolio_spec import parse_any
from trading_assets.strategies.spec import parse_spec
from trading_assets.strategies.spec_sections import CostsSpec
from trading_assets.workflows.assumptions import assume
from trading_assets.workflows.decide import decide
from trading_assets.workflows.list_instruments import list_instruments
from trading_assets.workflows.measured_costs import costs_of_version, in_force, since, versions_for
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.publish_costs import ALL, KNOWN_FROM, LINEAR, ROOT, costs_table
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.run_again import plan_of_run, spec_of_run
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import changed_inputs, plan_any, plan_run
from trading_assets.workflows.strategy_specs import find_spec

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
DECEMBER = Month(2023, 12)
DECLARED = CostsSpec.model_validate({"fees_bps": 5, "slippage_bps": 1, "half_spread_bps": 1})


def row(symbol=ALL, model=LINEAR, half_spread=3.0, impact=20.0, taker=7.5, reason=""):
    found = dict.fromkeys(COST_COLUMNS)
    return found | {
        "symbol": symbol, "model": model, "orders": 200, "days": 40, "taker_bps": taker,
        "used_half_spread_bps": half_spread, "used_impact": impact, "reason": reason,
        "impact_reason": "", "share_mean": 0.01, "root_mean": 1.0,
    }  # fmt: skip


def publish(desk, month, known, **changes):
    """Publish a version of the costs of book paper, as a month of fills would."""
    rows = [row(model=model, **changes) for model in (LINEAR, ROOT)]
    types = {"Float64": pl.Float64(), "Int64": pl.Int64(), "String": pl.String()}
    schema = {
        name: types.get(said, pl.Datetime("us", "UTC")) for name, said in COST_COLUMNS.items()
    }
    frame = pl.DataFrame([one | {"known_from": known} for one in rows], schema=schema)
    made, _ = desk.tables.publish(
        costs_table("paper"), None, month, frame, code_version="1",
        parents={"journal/paper": "0" * 64}, extra={KNOWN_FROM: known},
    )  # fmt: skip
    return made


@pytest.fixture
def spec(desk):
    known = find_spec(desk.settings, "ema_trend")
    costs = CostsSpec.model_validate(
        {**known.costs.model_dump(exclude_unset=True), "measured": "paper"}
    )
    return known.model_copy(update={"costs": costs})


def test_a_run_is_charged_by_what_was_known_at_each_bar(desk, spec):
    before = run_backtest(desk, spec).run
    change = FEBRUARY.start + 2 * DAY
    version = publish(desk, FEBRUARY, change)

    plan = plan_run(desk, spec)
    assert plan.inputs[version.address] == version.version
    assert changed_inputs(plan, before.manifest) == (version.address,)
    after = run_backtest(desk, spec).run

    assert after.run_id != before.run_id
    old, new = (pl.read_csv(run.folder / "equity.csv") for run in (before, after))
    same = (old == new).select(pl.all_horizontal(pl.all()))[old.columns[0]]
    times = pl.read_parquet(after.folder / "equity.parquet")["ts_utc"].dt.epoch("us")
    first = times.filter(~same).min()
    assert first >= change  # before, to the byte; after, from the first fill on
    assert not same[-1]
    fees = [pl.read_csv(run.folder / "filled_orders.csv") for run in (before, after)]
    assert fees[0].height == fees[1].height
    assert not fees[0].equals(fees[1])


def test_a_version_that_comes_after_the_last_bar_changes_no_run(desk, spec):
    publish(desk, JANUARY, JANUARY.start + 20 * DAY)
    first = run_backtest(desk, spec)
    publish(desk, Month(2024, 3), Month(2024, 3).start + DAY)
    again = run_backtest(desk, spec)
    assert (again.is_new, again.run.run_id) == (False, first.run.run_id)
    assert list(plan_run(desk, spec).inputs) == list(first.run.manifest["inputs"])


def test_a_span_that_is_open_takes_the_versions_of_its_bars_and_no_others(desk, spec):
    for month in (DECEMBER.shift(-1), DECEMBER, JANUARY, Month(2024, 3)):
        publish(desk, month, month.start + 20 * DAY)
    whole = plan_run(desk, spec).inputs
    versions = [name for name in whole if name.startswith(costs_table("paper"))]
    assert versions == [f"{costs_table('paper')}/{month}" for month in (DECEMBER, JANUARY)]
    wide = plan_run(desk, spec, span=(DECEMBER.shift(-11).start, FOREVER))
    assert wide.inputs == whole
    late = plan_run(desk, spec, span=(JANUARY.start + 25 * DAY, FOREVER))
    assert [name for name in late.inputs if name in versions] == versions[1:]


def test_a_run_is_made_again_by_the_versions_that_it_names(desk, spec):
    version = publish(desk, JANUARY, JANUARY.start + 28 * DAY, half_spread=3.0)
    run = run_backtest(desk, spec).run
    publish(desk, JANUARY, JANUARY.start + 29 * DAY, half_spread=9.0)

    bound = spec_of_run(desk, run)
    ((since_then, costs),) = bound.costs.later
    assert (since_then, costs.half_spread_bps) == (JANUARY.start + 28 * DAY, 3)
    assert bound.spec_hash == run.manifest["spec_hash"]
    (link,) = Provenance(desk).links([(version.address, version.version)])
    assert (link.kind, link.facts["rules"]) == ("costs", {"journal/paper": "0" * 64})
    plan = plan_of_run(desk, Provenance(desk), run, FEBRUARY)
    assert plan.spec.costs.later == bound.costs.later
    assert plan_run(desk, spec).spec.costs.later[0][1].half_spread_bps == 9

    assumed = assume(desk.settings.gate, fees_bps="40", slippage_x="2").spec(bound)
    ((_, costs),) = assumed.costs.later
    assert (costs.maker, costs.taker, costs.half_spread_bps) == (40, 40, 6)

    for manifest in desk.tables.history(costs_table("paper"), None, JANUARY)[:1]:
        number = {manifest.n}
        desk.tables.remove((costs_table("paper"), None, JANUARY), number, before=2**62, delete=True)
    with pytest.raises(MissingPartition, match="is gone"):
        spec_of_run(desk, run)


def test_a_release_pins_the_costs_that_it_was_tested_with(desk, tmp_path):
    shipped = find_spec(desk.settings, "ema_trend")
    specs = tmp_path / "own"
    specs.mkdir()
    text = shipped.model_copy(update={"name": "measured"}).canonical_yaml()
    (specs / "measured.yaml").write_text(text.replace("measured: ''", "measured: paper"))
    desk = dataclasses.replace(desk, settings=desk.settings.model_copy(update={"specs_dir": specs}))
    publish(desk, JANUARY, JANUARY.start + 27 * DAY, taker=1.5, half_spread=0.25, impact=0.0)
    run_backtest(desk, find_spec(desk.settings, "measured"))
    decision = decide(desk, "paper")
    assert decision.verdict == "promote", decision.document

    release = publish_release(desk, "paper", decision.decision_id)

    publish(desk, FEBRUARY, FEBRUARY.start + 3 * DAY, taker=30.0)  # the release stays as it is
    setup = desk.releases.get(release.release_id).spec.engine_setup(release.instruments)
    assert (setup.costs.taker_bps, setup.costs.half_spread_bps) == (Decimal("1.5"), Decimal("0.25"))
    assert setup.later_costs == ()
    assert release.spec.spec_hash == release.facts["spec_hash"]
    assert f"{costs_table('paper')}/{JANUARY}" in release.facts["inputs"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 31)), min_size=1, max_size=8),
    st.integers(0, 1200),
    st.integers(1, 200),
)
def test_no_bar_is_charged_by_a_version_from_its_future(made, first, length):
    """Each month at most one version, known at any day from long before to the month's end."""
    versions = {}
    for months, day in made:
        month = DECEMBER.shift(months)
        known = month.start + (day - 3) * DAY
        versions[month] = SimpleNamespace(
            address=str(month), month=month, extra={KNOWN_FROM: min(known, month.end - 1)}
        )
    start = DECEMBER.start + first * DAY
    end = start + length * DAY
    used = in_force([*versions.values()], start, end)

    for bar in range(start, end, DAY):
        charged = [one for one in used if since(one) <= bar]
        known = [one for one in versions.values() if since(one) <= bar]
        best = max(known, key=since, default=None)
        assert (charged[-1] if charged else None) is best  # the last that was known
        assert all(one.extra[KNOWN_FROM] <= bar for one in charged)
    assert all(since(one) < end for one in used)


def test_each_part_is_as_dear_as_its_dearest_symbol_and_the_unknown_as_declared():
    rows = [
        row(ALL, half_spread=2.5, impact=10.0, taker=6.0),
        row("BTCUSDT", half_spread=4.0, impact=None, taker=None),
        row("SOLUSDT", half_spread=None, impact=None, reason="3 orders", taker=8.0),
        row(ALL, ROOT, half_spread=9.0),
    ]
    both = costs_of_version(DECLARED, rows, ["BTCUSDT", "SOLUSDT"])
    assert (both.slippage_bps, both.half_spread_bps, both.impact_bps) == (0, 4, 10)
    assert (both.maker, both.taker) == (5, 8)  # nothing is known of makers

    of_one_size = [row(impact=None) | {"impact_reason": "every order was the same share"}]
    dear = DECLARED.model_copy(update={"impact_bps": Decimal(30)})
    once = costs_of_version(dear, of_one_size, ["BTCUSDT"])
    assert (once.half_spread_bps, once.impact_bps) == (3, 0)  # the half spread has the impact

    nothing = [row(ALL, reason="too few", taker=None)]
    same = costs_of_version(DECLARED, nothing, ["BTCUSDT"])
    assert (same.slippage_bps, same.half_spread_bps, same.taker) == (1, 1, 5)
    wild = costs_of_version(DECLARED, [row(impact=1e6)], ["BTCUSDT"])
    assert wild.half_spread_bps + wild.impact_bps == 5_000


@pytest.mark.parametrize(
    "more", ["per_share: 1", "minimum_fee: 1", "impact_bps: 1, sqrt_impact: 1"]
)
def test_what_cannot_be_measured_together_is_refused(more):
    with pytest.raises(ValidationError, match="measured"):
        CostsSpec.model_validate(dict([p.split(": ") for p in more.split(", ")], measured="paper"))


def test_a_book_that_measures_nothing_is_refused(desk, spec):
    costs = CostsSpec.model_validate({"measured": "nobody"})
    with pytest.raises(ConfigurationError, match="takes its costs from a book that has none"):
        plan_run(desk, spec.model_copy(update={"costs": costs}))


def test_a_portfolio_is_charged_as_one_account(desk):
    text = (
        "name: both\nmembers: [{spec: ema_trend, allocation_pct: 50}]\ncash: 50000\n"
        "costs: {fees_bps: 10, measured: paper}\n"
    )
    both = parse_any(text, where="test", find=lambda name: find_spec(desk.settings, name))
    version = publish(desk, JANUARY, JANUARY.start + 28 * DAY)
    run = run_backtest(desk, both).run

    setup = plan_any(desk, both).spec.engine_setup(list_instruments(desk))
    ((known, costs),) = setup.later_costs
    assert (known, costs.taker_bps) == (JANUARY.start + 28 * DAY, Decimal("7.5"))
    assert run.manifest["inputs"][version.address] == version.version
    assert spec_of_run(desk, run).costs.later == plan_any(desk, both).spec.costs.later


def test_a_spec_without_measured_costs_is_what_it_was(desk):
    known = find_spec(desk.settings, "ema_trend")
    publish(desk, JANUARY, JANUARY.start)
    assert versions_for(desk, known, 0, 2**62) == ()
    text = known.canonical_yaml()
    assert parse_spec(text, where="test").spec_hash == known.spec_hash
