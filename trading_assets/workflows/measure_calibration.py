"""How far confidences were from hit rates, as it is known when a month begins."""

from __future__ import annotations

from typing import Any

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Month, Symbol, content_hash
from trading_assets.forecasting.calibration_error import calibration_error
from trading_assets.forecasting.horizons import horizon_micros
from trading_assets.forecasting.outcome import known_outcomes
from trading_assets.market.bar_frame import schema_of
from trading_assets.market.table_columns import CALIBRATION_COLUMNS
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_month import FORECASTS
from trading_assets.workflows.held_out import closed_text, is_open
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.publish_once import publish_once
from trading_assets.workflows.published import Published

CALIBRATION = "forecast_calibration"
_BARS = bars_table(Timeframe.M5)
_SCHEMA = schema_of(CALIBRATION_COLUMNS)
_SOURCES = (
    "forecasting/calibration_error.py",
    "forecasting/labels.py",
    "forecasting/outcome.py",
    "market/table_columns.py",
    "workflows/measure_calibration.py",
)


def measure_calibration(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Publish the calibration errors of a symbol's forecasts as they are known before a month.

    The outcomes of `risk_factor.calibration_months` before it are pooled: those whose returns were
    known when it began, whatever model had forecast them. Months that are not there, and those
    that are held out, are left out; with too few, the errors are null.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        CorruptFile: if a file is damaged.
    """
    require_traded(desk.settings, symbol, month)
    rules = desk.settings.risk_factor
    first = month.shift(-rules.calibration_months)
    parts = _pairs(desk, symbol, first, month)
    parents = {part.address: part.version for pair in parts for part in pair}
    said = [rules.calibration_months, rules.calibration_confidence, closed_text(desk.settings)]
    parents[f"{CALIBRATION}/settings"] = content_hash(said)
    manifest, changed = publish_once(
        desk.tables,
        CALIBRATION,
        symbol,
        month,
        lambda: _measured(desk, symbol, parts, first, month),
        code_version=source_hash(*_SOURCES),
        parents=parents,
    )
    rows = desk.tables.read_manifest(manifest).iter_rows(named=True)
    return published_from_manifest(
        desk.tables,
        manifest,
        changed=changed,
        months=manifest.extra["months"],
        **{f"{row['horizon']} {name}": row[name] for row in rows for name in ("error", "least")},
    )


def least_error(desk: Desk, manifest: Manifest | None) -> float | None:
    """Give what is surely the calibration error of the horizon of the risk factor; None: unknown.

    Args:
        desk: where to read from.
        manifest: of CALIBRATION, None when the month has none.
    """
    if manifest is None:
        return None
    horizon = desk.settings.risk_factor.horizon
    rows = desk.tables.read_manifest(manifest).filter(pl.col("horizon") == horizon)
    found: float | None = rows["least"][0] if rows.height else None
    return found


def _pairs(
    desk: Desk, symbol: Symbol, first: Month, month: Month
) -> list[tuple[Manifest, Manifest]]:
    """Give forecasts and bars of the open months from the one before `first` to before `month`."""
    found = []
    each = first.shift(-1)
    while each < month:
        if is_open(desk.settings, each):
            forecasts = desk.tables.current(FORECASTS, symbol, each)
            bars = desk.tables.current(_BARS, symbol, each)
            if forecasts is not None and bars is not None:
                found.append((forecasts, bars))
        each = each.shift(1)
    return found


def _measured(
    desk: Desk, symbol: Symbol, parts: list[tuple[Manifest, Manifest]], first: Month, month: Month
) -> tuple[pl.DataFrame, dict[str, Any]]:
    extra = {"months": sum(said.month != first.shift(-1) for said, _ in parts)}
    if not parts:
        return pl.DataFrame(schema=_SCHEMA), extra
    forecasts = pl.concat([desk.tables.read_manifest(said) for said, _ in parts])
    bars = pl.concat([desk.tables.read_manifest(b).select("ts", "close") for _, b in parts])
    rows = []
    for horizon in sorted(forecasts["horizon"].unique(), key=horizon_micros):
        known = known_outcomes(forecasts, bars, horizon, {}, start=first.start, end=month.start)
        known = known.drop_nulls("confidence")
        found = calibration_error(
            known["ts"].to_physical().to_numpy(),
            known["confidence"].to_numpy(),
            known["is_right"].to_numpy(),
            horizon=horizon_micros(horizon),
            confidence=desk.settings.risk_factor.calibration_confidence,
        )
        rows.append(
            {
                "symbol": symbol,
                "horizon": horizon,
                "error": None if found is None else found.error,
                "least": None if found is None else found.least,
                "rows": known.height,
                "blocks": None if found is None else found.blocks,
                "first": known["ts"].min(),
                "last": known["ts"].max(),
            }
        )
    return pl.DataFrame(rows, schema=_SCHEMA), extra
