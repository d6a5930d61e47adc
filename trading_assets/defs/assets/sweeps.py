"""Sweeps: per sweep file of the user's an asset with its trials, and one with its folds in time."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
import base64
from collections.abc import Callable
from typing import Any

import dagster as dg

from trading_assets.backtest.sweep_file import SweepFile
from trading_assets.defs.assets.market_data import DATASETS, instruments
from trading_assets.defs.assets.models import dataset_forecasts
from trading_assets.defs.partitions import SETTINGS
from trading_assets.defs.presentation import facts
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import content_hash
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.sweep_files import find_sweep, list_sweeps

GROUP = "backtests"


def _asset_of(
    sweep: SweepFile, spec: StrategySpec, kind: str, what: str
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Give the decorator of an asset of a sweep file."""
    strategy = spec.build_strategy()
    identity = [spec.spec_hash, sweep.model_dump(mode="json"), code_hash(strategy)]
    return dg.asset(
        key=dg.AssetKey([kind, sweep.name]),
        deps=[
            instruments,
            DATASETS[spec.timeframe],
            *([dataset_forecasts] if strategy.horizon else []),
        ],
        group_name=GROUP,
        code_version=content_hash(identity)[:16],
        kinds={"numba", "mlflow"},
        description=f"{sweep.description or sweep.name}\n\n{what} of spec `{sweep.spec}`.",
    )


def _sweep(sweep: SweepFile, spec: StrategySpec) -> dg.AssetsDefinition:
    @_asset_of(sweep, spec, "sweep", "Trials over a space of parameters")
    def trials(context: dg.AssetExecutionContext, desk: DeskResource) -> dg.MaterializeResult[Any]:
        from trading_assets.workflows.run_sweep import run_sweep

        opened = desk.open()
        current = find_sweep(opened.settings, sweep.name)
        record = run_sweep(
            opened,
            current,
            tags={"dagster.run_id": context.run_id},
            report=lambda count: context.log.info(f"{count} more trials are finished"),
        )
        return dg.MaterializeResult(
            data_version=dg.DataVersion(record.result_hash),
            metadata={**facts(record.metadata), **_picture(record.picture)},
        )

    return trials


def _walk_forward(sweep: SweepFile, spec: StrategySpec) -> dg.AssetsDefinition:
    @_asset_of(sweep, spec, "walk_forward", "Choices on each stretch of time, tried on the next")
    def folds(desk: DeskResource) -> dg.MaterializeResult[Any]:
        from trading_assets.workflows.run_sweep import run_walk_forward

        opened = desk.open()
        record = run_walk_forward(opened, find_sweep(opened.settings, sweep.name))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(record.result_hash), metadata=facts(record.metadata)
        )

    return folds


def _picture(png: bytes | None) -> dict[str, Any]:
    if png is None:
        return {}
    source = base64.b64encode(png).decode()
    return {"heat_map": dg.MetadataValue.md(f"![heat map](data:image/png;base64,{source})")}


_FILES = [(sweep, find_spec(SETTINGS, sweep.spec)) for sweep in list_sweeps(SETTINGS).values()]
SWEEPS = [
    *(_sweep(sweep, spec) for sweep, spec in _FILES),
    *(_walk_forward(sweep, spec) for sweep, spec in _FILES if sweep.walk_forward is not None),
]
