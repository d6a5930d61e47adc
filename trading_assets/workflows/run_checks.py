"""What is checked of every run before it may stand as evidence."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.instrument import decimal_from_units, units_from_decimal
from trading_assets.evaluation.gates import Check
from trading_assets.evaluation.run_tables import RunTables
from trading_assets.features.anchor import anchor
from trading_assets.features.look_ahead import MIN_CUTS, find_look_ahead
from trading_assets.features.warm_up import find_short_warm_up
from trading_assets.market.bar_frame import RESAMPLED_ONLY, between, validate_bars
from trading_assets.market.outages import unexplained
from trading_assets.market.table_columns import MEMBER, RANK, REGIME_PROBABILITIES
from trading_assets.strategies.evaluate import anchored, evaluate
from trading_assets.strategies.filters import NEWS
from trading_assets.strategies.protocol import Strategy, memory
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.run_plan import RunPlan

_MOST_PARTITIONS = 36
"""That the look-ahead check looks at; of longer histories, so many are drawn."""

_BESIDE_BARS = ("prediction", "confidence", MEMBER, RANK, NEWS, *REGIME_PROBABILITIES, "regime")

Frames = Mapping[Symbol, pl.DataFrame]


def check_inputs(desk: Desk, plan: RunPlan, frames: Frames) -> Iterator[Check]:
    """Check the bars and, with a horizon, the forecasts.

    Args:
        desk: gives the longest gap that is accepted, tables and models.
        plan: of the run.
        frames: all bars of each symbol that the run has read, forecasts joined.
    """
    max_gap_minutes = desk.settings.quality.max_gap_minutes
    yield _bars_are_valid(desk, plan, frames)
    used = [manifest for (_, month), manifest in plan.bars.items() if month in plan.months]
    found = unexplained(gap for manifest in used for gap in manifest.gaps)
    longest = max((gap.minutes for gap in found), default=0)
    yield Check(
        "gaps_within_limit",
        passed=longest <= max_gap_minutes,
        detail=f"longest unexplained gap {longest} minutes, allowed {max_gap_minutes}",
    )
    if plan.strategy.horizon is not None:
        yield _forecasts_out_of_sample(desk, plan)


def check_signals(plan: RunPlan, frames: Frames, *, seed: int) -> Iterator[Check]:
    """Prove that signals know no future, and that their warm-up is all their memory.

    Args:
        plan: of the run.
        frames: all bars of each symbol, forecasts joined.
        seed: decides where the look-ahead check cuts.
    """
    strategy = plan.spec.parts[0].build_strategy()
    keys = [key for key in itertools.product(frames, plan.months) if key in plan.bars]
    drawn = keys
    if len(keys) > _MOST_PARTITIONS:
        drawn = random.Random(seed).sample(keys, _MOST_PARTITIONS)  # noqa: S311 - reproducible
    leaks = []
    for symbol, month in drawn:
        part = anchored(frames[symbol], strategy, month)
        found = find_look_ahead(lambda rows: evaluate(strategy, rows), part, seed=seed)
        leaks += [f"{symbol} {month} {leak}" for leak in found]
    seen = f"{MIN_CUTS} random cuts in each of {len(drawn)} partitions of {len(keys)}"
    yield Check("signals_know_no_future", passed=not leaks, detail="; ".join(leaks)[:500] or seen)
    yield _warm_up_is_enough(strategy, plan.months, frames)


def check_result(
    tables: RunTables, metrics: Mapping[str, Any], *, quote: str, opening: int, closing: int
) -> Iterator[Check]:
    """Check that the books add up and that every metric is a number.

    Args:
        tables: of the run.
        metrics: of the run.
        quote: asset of the account.
        opening: quote before the first bar, in 1e-8 units.
        closing: quote after the last bar by the engine's ledger, in 1e-8 units.
    """
    cash = opening
    for row in tables.trades.iter_rows(named=True):
        sign = -1 if row["side"] == "BUY" else 1
        cash += sign * units_from_decimal(row["notional"])
        cash -= units_from_decimal(row["fee"]) if row["fee_ccy"] == quote else 0
    cash -= sum(units_from_decimal(amount) for amount in tables.financing["amount"])
    yield Check(
        "cash_adds_up",
        passed=cash == closing,
        detail=f"fills and financing leave {decimal_from_units(cash)}, the ledger says "
        f"{decimal_from_units(closing)}",
    )
    parts = {name: metrics[name] or {} for name in ("all", "oos")}
    odd = [
        f"{part}.{name}"
        for part, values in parts.items()
        for name, value in values.items()
        if value is not None and not math.isfinite(value)
    ]
    yield Check(
        "metrics_are_finite",
        passed=not odd,
        detail=", ".join(odd) or f"{sum(map(len, parts.values()))} metrics",
    )


def _bars_are_valid(desk: Desk, plan: RunPlan, frames: Frames) -> Check:
    rows, size = 0, plan.spec.timeframe
    beside = (*_BESIDE_BARS, *(RESAMPLED_ONLY if size is Timeframe.M1 else ()))
    for symbol, frame in frames.items():
        bars = frame.drop(*beside, strict=False)
        counts_from_open = sessions_of_symbol(desk, symbol) is not None
        try:
            validate_bars(bars, symbol, size, grid=Timeframe.M1 if counts_from_open else None)
        except DataError as error:
            return Check("bars_are_valid", passed=False, detail=str(error)[:500])
        rows += bars.height
    return Check("bars_are_valid", passed=True, detail=f"{rows} bars")


def _forecasts_out_of_sample(desk: Desk, plan: RunPlan) -> Check:
    """Every forecast of a month is of that month's model, which saw nothing of the month."""
    name, wrong, models = "forecasts_are_out_of_sample", [], set()
    for (symbol, month), manifest in plan.forecasts.items():
        if month not in plan.months:
            continue
        rows = desk.tables.read_manifest(manifest)
        rows = rows.filter(pl.col("horizon") == plan.strategy.horizon)
        for model_id in rows["model_id"].unique().sort():
            model = desk.models.get(model_id)
            models.add(model_id)
            if model.month != month:
                wrong.append(f"{symbol} {month} has forecasts of the model of {model.month}")
    detail = "; ".join(wrong)[:500] or f"{len(models)} models, each older than what it forecasts"
    return Check(name, passed=not wrong if models else None, detail=detail)


def _warm_up_is_enough(strategy: Strategy, months: tuple[Month, ...], frames: Frames) -> Check:
    """Look at the newest month that has bars twice the warm-up before it, in every symbol."""
    name = "warm_up_is_enough"
    if memory(strategy) == timedelta():
        return Check(name, passed=True, detail="a signal looks at its own row only")
    for month in reversed(months):
        twice = anchor(month, 2 * memory(strategy))
        begin, own = between(twice, twice + DAY), between(month.start, month.end)
        traded = {s: frame for s, frame in frames.items() if frame.filter(own).height}
        if any(frame.filter(begin).is_empty() for frame in traded.values()):
            continue
        defects = [
            f"{symbol} {defect}"
            for symbol, frame in traded.items()
            for defect in find_short_warm_up(
                lambda rows: evaluate(strategy, rows),
                frame.filter(between(twice, month.end)),
                start=month.start,
                warm_up=memory(strategy),
                signs=("target",),
            )
        ]
        detail = "; ".join(defects)[:500] or f"{month}, with twice the warm-up"
        return Check(name, passed=not defects, detail=detail)
    return Check(name, passed=None, detail="no month has bars twice the warm-up before it")
