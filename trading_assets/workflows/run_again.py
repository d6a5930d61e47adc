"""A stored run once more, from the very versions that it names, up to a month."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.release_store import instrument_from_plain
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec, parse_any
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.build_regimes import REGIMES_TABLE
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.measured_costs import with_named
from trading_assets.workflows.news_flags import NewsFlags, news_flags
from trading_assets.workflows.provenance import Provenance, partition_from_address
from trading_assets.workflows.publish_universe import UNIVERSE_TABLE
from trading_assets.workflows.run_plan import FORECASTS, RunPlan, plan_together
from trading_assets.workflows.strategy_specs import find_spec

if TYPE_CHECKING:
    from trading_assets.workflows.simulate_run import Simulated

SPEC = "spec.yaml"
_FACTS = (
    "spec_hash", "months", "inputs", "instruments", "code_hash", "packages", "seed",
    "max_hole_minutes", "max_gap_minutes", "span", "sessions",
)  # fmt: skip
"""What a run's id is the hash of, see `run_plan`."""


def run_facts(run: StoredRun) -> Mapping[str, Any]:
    """Give what the id of a run is the hash of."""
    return {name: run.manifest[name] for name in _FACTS if name in run.manifest}


def spec_of_run(desk: Desk, run: StoredRun, inputs: Mapping[str, str] | None = None) -> AnySpec:
    """Give the spec that a run was made with, charging by the versions of costs that it names.

    Args:
        desk: holds specs and costs.
        run: which one.
        inputs: that name the versions of costs; the run's own when None.

    Raises:
        CorruptFile: if its file, or a version of its costs, is damaged.
        MissingPartition: if such a version is gone.
    """
    find = partial(find_spec, desk.settings)
    spec = parse_any(run.file(SPEC).decode(), where=f"{run.folder}/{SPEC}", find=find)
    return with_named(desk.tables, spec, run.manifest["inputs"] if inputs is None else inputs)


def simulate_again(desk: Desk, proofs: Provenance, run: StoredRun, last: Month) -> Simulated:
    """Run the months of a stored run up to one of them; nothing is stored.

    No decision knows of later bars, so what the run did by then it does again.

    Args:
        desk: holds tables and settings.
        proofs: finds versions.
        run: which one.
        last: the last month that is run.

    Raises:
        MissingPartition: if a version of its inputs is gone.
        CorruptFile: if an input is damaged.
    """
    from trading_assets.workflows.simulate_run import simulate

    return simulate(desk, plan_of_run(desk, proofs, run, last))


def plan_of_run(desk: Desk, proofs: Provenance, run: StoredRun, last: Month) -> RunPlan:
    """Give the plan of a stored run up to a month, on the versions that it names.

    Raises:
        MissingPartition: if one of them is gone.
        CorruptFile: if a manifest is damaged.
    """
    return plan_of_facts(desk, proofs, spec_of_run(desk, run), run_facts(run), last)


def plan_of_facts(
    desk: Desk, proofs: Provenance, spec: AnySpec, facts: Mapping[str, Any], last: Month
) -> RunPlan:
    """Give the plan that had these facts, up to a month, on the versions that they name.

    Args:
        desk: holds tables and settings.
        proofs: finds versions.
        spec: that was planned.
        facts: of the plan, see `RunPlan`.
        last: the last month that is planned.

    Raises:
        MissingPartition, CorruptFile: as `plan_of_run`.
    """
    inputs = _inputs(proofs, facts["inputs"], last)
    months = tuple(m for m in map(Month.from_text, facts["months"]) if m <= last)
    news = news_flags(desk.settings) if "news" in facts["inputs"] else NewsFlags("", {})
    if news.version != facts["inputs"].get("news", ""):
        raise MissingPartition(
            f"The news flags that {spec.name} was run by are not those of the settings now",
            expected=str(facts["inputs"].get("news", "none")),
            found=news.version or "none",
        )
    instruments = {item["symbol"]: instrument_from_plain(item) for item in facts["instruments"]}

    def part_plan(part: StrategySpec) -> RunPlan:
        strategy = part.build_strategy()
        return RunPlan(
            part,
            strategy,
            months,
            _of_table(inputs, bars_table(part.timeframe), part),
            _of_table(inputs, FORECASTS, part) if strategy.horizon else {},
            {m.month: m for m in inputs if m.table == UNIVERSE_TABLE and m.month in months}
            if part.filters.universe
            else {},
            news if part.filters.news else NewsFlags("", {}),
            tuple(instruments[symbol] for symbol in part.symbols),
            facts,
            tuple(facts["span"]) if "span" in facts else None,
            regimes=_of_table(inputs, REGIMES_TABLE, part) if part.filters.regime else {},
        )

    if isinstance(spec, StrategySpec):
        return part_plan(spec)
    members = tuple(part_plan(part) for part in spec.parts)
    return plan_together(spec, members, tuple(instruments.values()), facts)


def reached_inputs(run: StoredRun, last: Month) -> dict[str, str]:
    """Give the inputs of a run that something in it, up to a month, can depend on."""
    found = {}
    for name, version in run.manifest["inputs"].items():
        place = partition_from_address(name)
        if place is None or place[2] is None or place[2] <= last:
            found[name] = version
    return found


def _inputs(proofs: Provenance, named: Mapping[str, str], last: Month) -> list[Manifest]:
    found = []
    for name, version in named.items():
        place = partition_from_address(name)
        if place is None or place[2] is None or place[2] > last:
            continue  # news, which is no partition, or later months
        found.append(proofs.require((name, version)))
    return found


def _of_table(
    inputs: list[Manifest], table: str, part: StrategySpec
) -> dict[tuple[Symbol, Month], Manifest]:
    return {
        (m.symbol, m.month): m
        for m in inputs
        if m.table == table and m.symbol in part.symbols and m.month is not None
    }
