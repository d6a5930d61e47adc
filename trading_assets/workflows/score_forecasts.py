"""Score published forecasts once their returns are known, day by day, whatever they promised."""

from __future__ import annotations

from typing import Any

import polars as pl

from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.forecasting.horizons import horizon_micros
from trading_assets.forecasting.outcome import (
    OUTCOME_SCHEMA,
    confidence_curve,
    daily_scores,
    known_outcomes,
)
from trading_assets.forecasting.pictures import reliability_picture
from trading_assets.forecasting.trainer import code_version
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_month import FORECASTS
from trading_assets.workflows.held_out import closed_text, is_open, version_when
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.publish_once import publish_once
from trading_assets.workflows.published import Published

OUTCOMES = "forecast_outcomes"
_SHOWN = ("brier", "ece", "reliability", "resolution")


def score_forecasts(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Publish how the forecasts turned out whose returns became known in a month.

    A forecast of the last hours of the month before belongs to it, one of its own last hours to
    the next, so that every forecast is scored once. Each row says a day; the whole month's curve is
    in the manifest. Months held out, and later ones, are not scored: theirs is an empty table.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if forecasts or bars of the month are not there, or a model is gone.
        CorruptFile: if a file is damaged.
    """
    require_traded(desk.settings, symbol, month)
    if not is_open(desk.settings, month):
        return _unscored(desk, symbol, month)
    forecasts = _with_month_before(desk, FORECASTS, symbol, month)
    bars = _with_month_before(desk, bars_table(Timeframe.M5), symbol, month)
    parents = {part.address: part.version for part in (*forecasts, *bars)}
    manifest, changed = publish_once(
        desk.tables,
        OUTCOMES,
        symbol,
        month,
        lambda: _scored(desk, forecasts, bars, month),
        code_version=code_version(),
        parents=parents,
    )
    return published_from_manifest(
        desk.tables, manifest, changed=changed, **_shown(manifest.extra["curves"])
    )


def _unscored(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Publish that a month which is held out, or a later one, has no outcomes, and why."""
    why = closed_text(desk.settings)
    manifest, changed = publish_once(
        desk.tables,
        OUTCOMES,
        symbol,
        month,
        lambda: (pl.DataFrame(schema=OUTCOME_SCHEMA), {"curves": {}, "empty_because": why}),
        code_version=version_when(code_version(), is_scored=False),
        parents={},
    )
    return published_from_manifest(desk.tables, manifest, changed=changed, **{"held out": why})


def outcomes_picture(desk: Desk, symbol: Symbol, month: Month) -> bytes | None:
    """Draw the curve of each horizon and its Brier score by day; None where nothing was stated.

    Raises:
        MissingPartition: if the outcomes of the month were never published.
        CorruptFile: if their file is damaged.
    """
    manifest = desk.tables.require(OUTCOMES, symbol, month)
    curves = {name: c for name, c in manifest.extra["curves"].items() if c is not None}
    if not curves:
        return None
    rows = desk.tables.read_manifest(manifest).drop_nulls("brier")
    day = (pl.col("ts").dt.epoch("us") - month.start) // DAY + 1
    points = rows.select("horizon", day, pl.col("brier") - pl.col("brier_constant")).rows()
    days = {name: [(float(x), y) for own, x, y in points if own == name] for name in curves}
    return reliability_picture(curves, days)


def _with_month_before(
    desk: Desk, table: str, symbol: Symbol, month: Month
) -> tuple[Manifest, ...]:
    """Give the month's manifest, after that of the month before where there is one."""
    before = desk.tables.current(table, symbol, month.shift(-1))
    own = desk.tables.require(table, symbol, month)
    return (own,) if before is None else (before, own)


def _scored(
    desk: Desk, forecasts: tuple[Manifest, ...], bars: tuple[Manifest, ...], month: Month
) -> tuple[pl.DataFrame, dict[str, Any]]:
    start, end = month.start, month.end
    said = pl.concat([desk.tables.read_manifest(part) for part in forecasts])
    prices = pl.concat([desk.tables.read_manifest(p).select("ts", "close") for p in bars])
    base_rates = _base_rates(desk, forecasts)
    days, curves = [], {}
    horizons = {horizon for part in forecasts for horizon in part.extra["models"]}
    for horizon in sorted(horizons, key=horizon_micros):
        known = known_outcomes(said, prices, horizon, base_rates, start=start, end=end)
        curve, constant = confidence_curve(known)
        curves[horizon] = None if curve is None else {**curve.plain(), "constant": constant}
        days.append(daily_scores(known, horizon))
    return pl.concat(days).sort("ts", "horizon"), {"curves": curves}


def _base_rates(desk: Desk, forecasts: tuple[Manifest, ...]) -> dict[str, float]:
    """Give the constant confidence of each model behind the forecasts that has a calibration."""
    ids = dict.fromkeys(model for part in forecasts for model in part.extra["models"].values())
    bundles = [desk.models.bundle(desk.models.get(model_id)) for model_id in ids]
    return {b.model_id: b.calibration.base_rate for b in bundles if b.calibration is not None}


def _shown(curves: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for horizon, curve in curves.items():
        if curve is None:
            shown[f"{horizon} confidence"] = "none was stated"
            continue
        shown |= {f"{horizon} {name}": curve[name] for name in _SHOWN}
        shown[f"{horizon} brier_constant"] = curve["constant"]
    return shown
