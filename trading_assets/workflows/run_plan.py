"""What a backtest will read, before it reads it: the identity of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash
from trading_assets.domain.instants import time_text
from trading_assets.domain.instrument import Instrument
from trading_assets.forecasting.horizons import BASE
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.portfolio_spec import AnySpec, Together
from trading_assets.strategies.protocol import Strategy
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.build_regimes import REGIMES_TABLE
from trading_assets.workflows.code_hash import code_hash, package_versions
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.held_out import (
    closed_text,
    held_out_of,
    held_out_text,
    open_months,
    require_open,
)
from trading_assets.workflows.list_instruments import list_instruments
from trading_assets.workflows.listing import is_traded_in
from trading_assets.workflows.market_tables import bars_table, is_of_own_source
from trading_assets.workflows.measured_costs import versions_for, with_measured, with_named
from trading_assets.workflows.native_tables import require_source_of
from trading_assets.workflows.news_flags import NewsFlags, news_flags
from trading_assets.workflows.publish_universe import UNIVERSE_TABLE

FORECASTS = "forecasts"

_BySymbol = Mapping[tuple[Symbol, Month], Manifest]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Inputs of a run, by version.

    Attributes:
        months: that the run trades, ascending; holes between them are possible.
        bars: manifests of all months of bars that may be read, also those for the warm-up.
        forecasts: manifests by symbol and month; empty for strategies without a horizon.
        universe: manifests by month; empty unless the spec filters by it.
        regimes: manifests by symbol and month; empty unless the spec filters by them.
        news: flags; empty unless the spec filters by them.
        spec: with the measured costs that it is charged by, if it asks for them.
        instruments: in the order of the spec's symbols.
        facts: everything that the result depends on, as plain values.
        span: first instant and end of what is traded; None trades all of the months.
        members: of a portfolio, the plan of each member over the same months.
    """

    spec: AnySpec
    strategy: Strategy | Together
    months: tuple[Month, ...]
    bars: Mapping[tuple[Symbol, Month], Manifest]
    forecasts: Mapping[tuple[Symbol, Month], Manifest]
    universe: Mapping[Month, Manifest]
    news: NewsFlags
    instruments: tuple[Instrument, ...]
    facts: Mapping[str, Any]
    span: tuple[Micros, Micros] | None = None
    members: tuple[RunPlan, ...] = ()
    regimes: Mapping[tuple[Symbol, Month], Manifest] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[RunPlan, ...]:
        """The plans of the strategies: of the members, or this one."""
        return self.members or (self,)

    @property
    def run_id(self) -> str:
        """First 16 hex characters of the hash of `facts`."""
        return content_hash(self.facts)[:16]

    @property
    def inputs(self) -> Mapping[str, str]:
        """Address of every input partition -> version."""
        found: Mapping[str, str] = self.facts["inputs"]
        return found


def plan_any(
    desk: Desk,
    spec: AnySpec,
    *,
    span: tuple[Micros, Micros] | None = None,
    held_out: bool = False,
) -> RunPlan:
    """Find the current inputs of a strategy spec or of a portfolio.

    Months of a portfolio are those that all members can trade. Arguments as of `plan_run`.

    Raises:
        MissingPartition, ConfigurationError, UnknownSymbol, DataError: as `plan_run`.
    """
    if isinstance(spec, StrategySpec):
        return plan_run(desk, spec, span=span, held_out=held_out)
    plan = partial(plan_run, desk, span=span, held_out=held_out)
    alone = [plan(part).months for part in spec.parts]
    months = frozenset(alone[0]).intersection(*alone[1:])
    if not months:
        raise MissingPartition(
            f"Portfolio {spec.name} has no month to run on",
            expected="a month that all its members can trade",
            found="none",
            fix="Materialise the tables of all members over the same months.",
        )
    members = tuple(plan(part, within=months) for part in spec.parts)
    setup = spec.engine_setup(list_instruments(desk))
    facts = {
        **members[0].facts,
        "spec_hash": spec.spec_hash,
        "inputs": {name: v for member in members for name, v in member.inputs.items()},
        "instruments": [instrument_to_plain(instrument) for instrument in setup.instruments],
        "code_hash": code_hash(spec.build_strategy()),
    }
    spec = with_named(desk.tables, spec, facts["inputs"])
    return plan_together(spec, members, setup.instruments, facts)


def plan_together(
    spec: AnySpec,
    members: tuple[RunPlan, ...],
    instruments: tuple[Instrument, ...],
    facts: Mapping[str, Any],
) -> RunPlan:
    """Join the plans of a portfolio's members, which are of the same months."""
    return RunPlan(
        spec,
        spec.build_strategy(),
        members[0].months,
        {key: m for member in members for key, m in member.bars.items()},
        {key: m for member in members for key, m in member.forecasts.items()},
        {key: m for member in members for key, m in member.universe.items()},
        NewsFlags("", {}),
        instruments,
        facts,
        members[0].span,
        members,
        {key: m for member in members for key, m in member.regimes.items()},
    )


def plan_variant(plan: RunPlan, spec: AnySpec) -> RunPlan:
    """Plan a spec of the same strategies, symbols and bars on the very inputs of another's plan.

    Raises:
        ConfigurationError: if spec and instruments do not fit.
    """
    strategy = spec.build_strategy()
    facts = {
        **plan.facts,
        "spec_hash": spec.spec_hash,
        "code_hash": code_hash(strategy),
        "packages": package_versions(),
    }
    return replace(
        plan,
        spec=spec,
        strategy=strategy,
        instruments=spec.engine_setup(plan.instruments).instruments,
        facts=facts,
        members=tuple(map(plan_variant, plan.members, spec.parts)) if plan.members else (),
    )


def plan_run(
    desk: Desk,
    spec: StrategySpec,
    *,
    span: tuple[Micros, Micros] | None = None,
    within: Collection[Month] | None = None,
    held_out: bool = False,
) -> RunPlan:
    """Find the current inputs of a strategy spec; `within` bounds its months.

    Months are those from `history_start` on that every symbol of the spec has, of the source that
    settings name; with a horizon also those of forecasts, and with a filter by the universe those
    that have one. A month in which a symbol was, as declared, not traded needs nothing of it.
    With a span, months are those that it touches, and only bars that open in it are traded.
    Costs that are measured are those of the versions that were known at each bar.
    Months end where those begin that settings hold out; with `held_out` they are these and no
    others, which only `read_holdout` may ask for.

    Raises:
        MissingPartition: if there is no such month.
        ConfigurationError: if spec and instruments do not fit, no model is trained for the
            strategy's horizon, or for bars of its size, or the span reaches into months held out,
            or the book that measures its costs is none.
        UnknownSymbol: if a symbol has no instrument data.
        DataError: if a symbol's source gives larger bars than the spec needs.
    """
    require_open(desk.settings, span)
    strategy = spec.build_strategy()
    if strategy.horizon is not None:
        _require_trained(desk, spec, strategy.horizon)
    instruments = spec.engine_setup(list_instruments(desk)).instruments
    for symbol in spec.symbols:
        require_source_of(desk, symbol, spec.timeframe)
    tables = _tables_of(desk, spec, strategy)
    news = news_flags(desk.settings) if spec.filters.news else NewsFlags("", {})
    months = (held_out_of if held_out else open_months)(desk.settings, tables.months)
    if within is not None:
        months = tuple(month for month in months if month in within)
    if span is not None:
        months = tuple(m for m in months if m.start < span[1] and span[0] < m.end)
    if not months:
        raise _no_month(desk, spec, tables, span, held_out=held_out)
    costs = versions_for(desk, spec, *_traded(months, span))
    plan = RunPlan(
        with_measured(desk.tables, spec, costs),
        strategy,
        months,
        tables.bars,
        tables.forecasts or {},
        {month: m for month, m in (tables.universe or {}).items() if month in months},
        news,
        instruments,
        {},
        span,
        regimes={key: m for key, m in (tables.regimes or {}).items() if key[1] in months},
    )
    return replace(plan, facts=_facts(desk, plan, costs))


def changed_inputs(plan: RunPlan, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """List what differs between a plan and the manifest of an earlier run, by name."""
    old, new = dict(manifest["inputs"]), dict(plan.inputs)
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    others = [name for name in sorted(plan.facts) if name != "inputs"]
    return (*changed, *(name for name in others if plan.facts[name] != manifest.get(name)))


def session_versions(
    desk: Desk, spec: AnySpec, months: tuple[Month, ...]
) -> dict[str, dict[str, str]]:
    """Hash the sessions that holes are measured by; a market that never closes says nothing."""
    found = {}
    for symbol in spec.symbols:
        sessions = sessions_of_symbol(desk, symbol)
        if sessions is not None:
            versions = [sessions.version_of_month(month) for month in months]
            found[sessions.calendar] = content_hash(versions)
    return {"sessions": found} if found else {}


def _require_trained(desk: Desk, spec: StrategySpec, horizon: str) -> None:
    """Refuse a spec that follows a forecast which no model of this desk makes."""
    if horizon not in desk.settings.model.horizons:
        raise ConfigurationError(
            f"Spec {spec.name} follows a forecast that is not trained",
            expected=f"one of {', '.join(desk.settings.model.horizons)}",
            found=horizon,
            fix="Change params.horizon, or add the horizon to model.horizons in the settings.",
        )
    if spec.timeframe is not BASE:
        raise ConfigurationError(
            f"Spec {spec.name} follows a forecast on bars of {spec.bar_size}",
            expected=f"bar_size: {BASE.value}, which models of this desk predict on",
            found=f"bar_size: {spec.bar_size}",
            fix="Forecasts of your own may be columns of bars from Python, of any size.",
        )


@dataclass(frozen=True, slots=True)
class _Tables:
    """Manifests that a spec can read, of all months; None for what it does not need.

    Attributes:
        months: that none of them lacks, ascending.
    """

    bars: _BySymbol
    forecasts: _BySymbol | None
    universe: Mapping[Month, Manifest] | None
    regimes: _BySymbol | None
    months: tuple[Month, ...]


def _tables_of(desk: Desk, spec: StrategySpec, strategy: Strategy) -> _Tables:
    bars = _manifests(desk, bars_table(spec.timeframe), spec)
    forecasts = _manifests(desk, FORECASTS, spec) if strategy.horizon is not None else None
    universe = _universe(desk) if spec.filters.universe else None
    regimes = _manifests(desk, REGIMES_TABLE, spec) if spec.filters.regime else None
    months = _common(desk, bars, spec)
    for beside in (forecasts, regimes):
        if beside is not None:
            months = tuple(month for month in _common(desk, beside, spec) if month in months)
    if universe is not None:
        months = tuple(month for month in months if month in universe)
    return _Tables(bars, forecasts, universe, regimes, months)


def _no_month(
    desk: Desk,
    spec: StrategySpec,
    tables: _Tables,
    span: tuple[Micros, Micros] | None,
    *,
    held_out: bool,
) -> MissingPartition:
    needed = [bars_table(spec.timeframe)]
    needed += [FORECASTS] if tables.forecasts is not None else []
    needed += [UNIVERSE_TABLE] if tables.universe is not None else []
    needed += [REGIMES_TABLE] if tables.regimes is not None else []
    return MissingPartition(
        f"Spec {spec.name} has no month to run on",
        expected=f"{' and '.join(needed)} of "
        f"{', '.join(spec.symbols)} for at least one month {_where(desk, span, held_out)}",
        found="no month that all of them have",
        fix="Materialise these tables first.",
    )


def _where(desk: Desk, span: tuple[Micros, Micros] | None, held_out: bool) -> str:
    if held_out:
        return f"of {held_out_text(desk.settings)}"
    closed = closed_text(desk.settings)
    where = f"from {desk.settings.first_month} on"
    if span is not None:
        where = f"between {time_text(span[0])} and {time_text(span[1])}"
    return f"{where} ({closed})" if closed else where


def _traded(months: tuple[Month, ...], span: tuple[Micros, Micros] | None) -> tuple[Micros, Micros]:
    """Give first instant and end of what is traded: a span may begin before, or have no end."""
    start, end = months[0].start, months[-1].end
    return (start, end) if span is None else (max(span[0], start), min(span[1], end))


def _facts(desk: Desk, plan: RunPlan, costs: tuple[Manifest, ...]) -> dict[str, Any]:
    """Give everything that the result of a strategy's plan depends on, as plain values."""
    months = plan.months
    inputs = [
        *(manifest for (_, month), manifest in plan.bars.items() if month <= months[-1]),
        *(manifest for (_, month), manifest in plan.forecasts.items() if month in months),
        *plan.universe.values(),
        *plan.regimes.values(),
        *costs,
    ]
    return {
        "spec_hash": plan.spec.spec_hash,
        "months": [str(month) for month in months],
        "inputs": {
            **{manifest.address: manifest.version for manifest in inputs},
            **({"news": plan.news.version} if plan.news.version else {}),
        },
        "instruments": [instrument_to_plain(instrument) for instrument in plan.instruments],
        "code_hash": code_hash(plan.strategy),
        "packages": package_versions(),
        "seed": desk.settings.model.seed,
        "max_hole_minutes": desk.settings.backtest.max_hole_minutes,
        "max_gap_minutes": desk.settings.quality.max_gap_minutes,
        **({} if plan.span is None else {"span": list(plan.span)}),
        **session_versions(desk, plan.spec, months),
    }


def _manifests(desk: Desk, table: str, spec: StrategySpec) -> _BySymbol:
    found = {
        (symbol, month): desk.tables.require(table, symbol, month)
        for symbol in spec.symbols
        for month in desk.tables.months(table, symbol)
        if month >= desk.settings.first_month
    }
    return {key: m for key, m in found.items() if is_of_own_source(desk.settings, m)}


def _universe(desk: Desk) -> dict[Month, Manifest]:
    tables = desk.tables
    return {m: tables.require(UNIVERSE_TABLE, None, m) for m in tables.months(UNIVERSE_TABLE, None)}


def _common(desk: Desk, manifests: _BySymbol, spec: StrategySpec) -> tuple[Month, ...]:
    """Give the months that no symbol lacks which was traded in them."""
    return tuple(
        month
        for month in sorted({month for _, month in manifests})
        if all(
            (symbol, month) in manifests or not is_traded_in(desk.settings, symbol, month)
            for symbol in spec.symbols
        )
    )
