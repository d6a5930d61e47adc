"""Backtests: one asset per strategy spec or portfolio, shipped or the user's own."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.assets.market_data import DATASETS, dataset_universe, instruments
from trading_assets.defs.assets.models import dataset_forecasts
from trading_assets.defs.assets.regimes import dataset_regimes
from trading_assets.defs.partitions import DAILY_TAG
from trading_assets.defs.presentation import facts
from trading_assets.defs.resources import CatalogResource, DeskResource
from trading_assets.defs.run_tags import run_tags
from trading_assets.defs.specs import SPECS
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.ids import content_hash
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.strategy_specs import find_any

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

GROUP = "backtests"
CATALOG_POOL = "duckdb"
"""One step at a time: a writer of a DuckDB file shuts out every other process."""

_CHECKS = {
    "bars_are_valid": "Every bar that was read may be trusted.",
    "gaps_within_limit": "No gap in the bars is longer than quality.max_gap_minutes.",
    "signals_know_no_future": "Cut at random bars, signals up to the cut have the same bits.",
    "warm_up_is_enough": "With twice the warm-up, signals are the same.",
    "cash_adds_up": "The fills alone lead to the cash that the ledger has.",
    "metrics_are_finite": "No metric is NaN or infinite.",
}
_FORECAST_CHECKS = {
    "forecasts_out_of_sample": "Each month's forecasts come from a model that saw nothing of it.",
}
_REPEATED = "is_reproducible"


def _checks_of(spec: AnySpec) -> Mapping[str, str]:
    return {
        **_CHECKS,
        **(_FORECAST_CHECKS if _follows_forecasts(spec) else {}),
        _REPEATED: "Run once more on the same inputs, every file has the same bytes.",
    }


def _follows_forecasts(spec: AnySpec) -> bool:
    return any(part.build_strategy().horizon for part in spec.parts)


def _backtest(spec: AnySpec) -> dg.AssetsDefinition:
    strategy = spec.build_strategy()
    what = ", ".join(part.strategy for part in spec.parts)
    key = dg.AssetKey(["backtest", spec.name])

    @dg.asset(
        key=key,
        deps=[
            instruments,
            DATASETS[spec.timeframe],
            *([dataset_forecasts] if _follows_forecasts(spec) else []),
            *([dataset_universe] if any(p.filters.universe for p in spec.parts) else []),
            *([dataset_regimes] if any(p.filters.regime for p in spec.parts) else []),
        ],
        group_name=GROUP,
        code_version=content_hash([spec.spec_hash, code_hash(strategy)])[:16],
        kinds={"numba", "mlflow"},
        tags={"strategy": strategy.name},
        pool=CATALOG_POOL,
        description=f"{spec.description or spec.name}\n\nStrategy `{what}` on "
        f"{', '.join(spec.symbols)}, bars of {spec.bar_size}, {spec.cash} {spec.quote}, net of "
        "costs: orders, fills, round trips, equity and metrics, as an immutable folder and a run "
        "in MLflow.",
        metadata={"spec": dg.MetadataValue.json(spec.model_dump(mode="json"))},
    )
    def backtest(
        context: dg.AssetExecutionContext, desk: DeskResource, duckdb: CatalogResource
    ) -> dg.MaterializeResult[Any]:
        from trading_assets.storage.catalog import write_run
        from trading_assets.workflows.run_backtest import run_backtest

        opened = desk.open()
        current = find_any(opened.settings, spec.name)
        record = run_backtest(
            opened,
            current,
            tags=run_tags(context.run_id, key),
            purpose="daily" if DAILY_TAG in context.run.tags else "backtest",
        )
        with duckdb.get_connection() as connection:
            write_run(connection, record.run)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(record.run.result_hash),
            metadata=facts(record.metadata),
        )

    return backtest


def _checks(spec: AnySpec, asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(name, asset=asset, description=text)
        for name, text in _checks_of(spec).items()
    ]

    @dg.multi_asset_check(specs=specs, can_subset=True, name=f"backtest_{spec.name}_checks")
    def checks(
        context: dg.AssetCheckExecutionContext, desk: DeskResource
    ) -> Iterator[dg.AssetCheckResult]:
        opened = desk.open()
        wanted = {key.name for key in context.selected_asset_check_keys}
        run = opened.runs.current(spec.name)
        for check in run.checks if run else ():
            if check["name"] in wanted:
                yield _judged(check)
        if _REPEATED in wanted:
            yield _repeated(opened, spec.name)

    return checks


def _repeated(desk: "Desk", name: str) -> dg.AssetCheckResult:
    """Run the spec once more; the run store compares every file."""
    from trading_assets.workflows.run_backtest import run_backtest

    try:
        record = run_backtest(desk, find_any(desk.settings, name), purpose="reproduce")
    except InvariantError as error:
        return dg.AssetCheckResult(check_name=_REPEATED, passed=False, description=str(error))
    return dg.AssetCheckResult(
        check_name=_REPEATED,
        passed=not record.is_new,
        description="The inputs have changed since." if record.is_new else None,
        metadata={"result_hash": record.run.result_hash},
    )


def _judged(check: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Show a check of the run itself; one that could not run is a warning."""
    could_run = check["passed"] is not None
    return dg.AssetCheckResult(
        check_name=check["name"],
        passed=bool(check["passed"]),
        severity=dg.AssetCheckSeverity.ERROR if could_run else dg.AssetCheckSeverity.WARN,
        description=check["detail"],
    )


BACKTESTS = [_backtest(spec) for spec in SPECS.values()]
BACKTEST_CHECKS = [
    _checks(spec, asset) for spec, asset in zip(SPECS.values(), BACKTESTS, strict=True)
]
