"""Sweeps: per sweep file of the user's an asset with its trials, and one with its folds in time."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from typing import Any, cast

import dagster as dg

from trading_assets.backtest.sweep_file import SweepFile
from trading_assets.defs.assets.market_data import DATASETS, instruments
from trading_assets.defs.assets.models import dataset_forecasts
from trading_assets.defs.partitions import SETTINGS
from trading_assets.defs.presentation import facts, image
from trading_assets.defs.resources import DeskResource
from trading_assets.defs.run_tags import run_tags
from trading_assets.domain.ids import content_hash
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.sweep_files import find_sweep, list_sweeps

GROUP = "backtests"


def _deps_of(spec: StrategySpec) -> list[dg.AssetsDefinition]:
    has_forecasts = spec.build_strategy().horizon is not None
    bars = DATASETS[spec.timeframe]
    return [instruments, bars, *([dataset_forecasts] if has_forecasts else [])]


def _facts_of(sweep: SweepFile, spec: StrategySpec, kind: str, what: str) -> dict[str, Any]:
    """Give what both assets of a sweep file say of themselves."""
    identity = [
        spec.spec_hash,
        sweep.model_dump(mode="json"),
        code_hash(spec.build_strategy()),
    ]
    return {
        "key": dg.AssetKey([kind, sweep.name]),
        "group_name": GROUP,
        "code_version": content_hash(identity)[:16],
        "kinds": {"numba", "mlflow"},
        "description": f"{sweep.description or sweep.name}\n\n{what} of spec `{sweep.spec}`.",
    }


def _sweep(sweep: SweepFile, spec: StrategySpec) -> dg.AssetsDefinition:
    """Give the asset of a sweep: a step for each batch, then one that publishes their table.

    Steps hand nothing on: a batch is kept in the sweep's store, where the last step and any later
    run find it. So a batch that has failed is run again by itself ("from failure" in Dagster), and
    what has finished is not.
    """
    deps = [dep.key for dep in _deps_of(spec)]
    names = [key.to_python_identifier() for key in deps]
    batches, batch, table = _batches(sweep, names), _batch(sweep), _table(sweep)

    def steps(**inputs: Any) -> Any:
        ran = batches(**inputs).map(lambda begin: batch(begin=begin))
        return table(batches=ran.collect())

    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    steps.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    given = {
        name: dg.AssetIn(key=key, dagster_type=dg.Nothing)
        for name, key in zip(names, deps, strict=True)
    }
    of_asset = _facts_of(sweep, spec, "sweep", "Trials over a space of parameters")
    made: dg.AssetsDefinition = cast("Any", dg.graph_asset)(steps, ins=given, **of_asset)
    return made


def _batches(sweep: SweepFile, names: list[str]) -> dg.OpDefinition:
    @dg.op(
        name=f"{sweep.name}_batches",
        ins={name: dg.In(dg.Nothing) for name in names},
        out=dg.DynamicOut(dg.Nothing),
    )
    def batches(desk: DeskResource) -> Iterator[dg.DynamicOutput[None]]:
        plan = find_sweep(desk.open().settings, sweep.name).plan
        for number in range(plan.num_batches):
            yield dg.DynamicOutput(None, mapping_key=f"batch_{number:04d}")

    return batches


def _batch(sweep: SweepFile) -> dg.OpDefinition:
    @dg.op(name=f"{sweep.name}_trials", ins={"begin": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def trials(context: dg.OpExecutionContext, desk: DeskResource) -> None:
        from trading_assets.workflows.run_sweep import run_sweep_batch

        opened = desk.open()
        number = int((context.get_mapping_key() or "").removeprefix("batch_"))
        found = run_sweep_batch(opened, find_sweep(opened.settings, sweep.name), number)
        context.log.info(", ".join(f"{name} {value}" for name, value in found.items()))

    return trials


def _table(sweep: SweepFile) -> dg.OpDefinition:
    @dg.op(name=f"{sweep.name}_table", ins={"batches": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def table(context: dg.OpExecutionContext, desk: DeskResource) -> Iterator[dg.Output[None]]:
        from trading_assets.workflows.run_sweep import run_sweep

        opened = desk.open()
        record = run_sweep(
            opened,
            find_sweep(opened.settings, sweep.name),
            tags=run_tags(context.run_id, dg.AssetKey(["sweep", sweep.name])),
        )
        yield dg.Output(
            None,
            data_version=dg.DataVersion(record.result_hash),
            metadata={**facts(record.metadata), **_picture(record.picture)},
        )

    return table


def _walk_forward(sweep: SweepFile, spec: StrategySpec) -> dg.AssetsDefinition:
    of_asset = _facts_of(
        sweep, spec, "walk_forward", "Choices on each stretch of time, tried on the next"
    )

    deps = _deps_of(spec)
    asset: Callable[[Callable[..., Any]], dg.AssetsDefinition] = cast("Any", dg.asset)(
        deps=deps, **of_asset
    )

    @asset
    def folds(context: dg.AssetExecutionContext, desk: DeskResource) -> dg.MaterializeResult[Any]:
        from trading_assets.workflows.run_sweep import run_walk_forward

        opened = desk.open()
        record = run_walk_forward(
            opened,
            find_sweep(opened.settings, sweep.name),
            tags=run_tags(context.run_id, context.asset_key),
        )
        return dg.MaterializeResult(
            data_version=dg.DataVersion(record.result_hash), metadata=facts(record.metadata)
        )

    return folds


def _picture(png: bytes | None) -> dict[str, Any]:
    if png is None:
        return {}
    return {"heat_map": image("heat map", png)}


_FILES = [(sweep, find_spec(SETTINGS, sweep.spec)) for sweep in list_sweeps(SETTINGS).values()]
SWEEPS = [
    *(_sweep(sweep, spec) for sweep, spec in _FILES),
    *(_walk_forward(sweep, spec) for sweep, spec in _FILES if sweep.walk_forward is not None),
]
