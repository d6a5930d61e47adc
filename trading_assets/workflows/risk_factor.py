"""The risk factor of a symbol over a month: the engine's own rule on what research knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.ids import Month, Symbol, content_hash
from trading_assets.domain.setup import RiskFactor
from trading_assets.features.anchor import anchor
from trading_assets.features.regime import known_regimes
from trading_assets.market.bar_frame import between, schema_of
from trading_assets.market.table_columns import RISK_LOG_COLUMNS
from trading_assets.settings import Settings
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.bars_behind import bars_behind, frame_from, source_of
from trading_assets.workflows.build_regimes import REGIMES_TABLE
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_month import FORECASTS
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.measure_calibration import CALIBRATION, least_error
from trading_assets.workflows.published import Published

RISK_LOG = "risk_log"
HISTORY = timedelta(days=30)
"""The average that a volatility is compared with begins so long before the month."""

_BARS = bars_table(Timeframe.M5)
_BESIDE = (FORECASTS, CALIBRATION, REGIMES_TABLE)
_LOG_SCHEMA = schema_of(RISK_LOG_COLUMNS)
_SOURCES = (
    "features/regime.py",
    "market/table_columns.py",
    "records/strategy_terms.py",
    "risk/factor.py",
    "risk/factor_path.py",
    "risk/measures.py",
    "workflows/bars_behind.py",
    "workflows/risk_factor.py",
)


def risk_factor_month(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Publish the changes of a symbol's risk factor in one month, with their reasons.

    The rule is the engine's (`risk.factor.factor_of`). Forecasts, their calibration before the
    month and regimes are looked at where they are published; the report says what was not there. A
    symbol has no drawdown: the factor of a run, and of `forecast_now`, know that of their book.

    Args:
        desk: where to read from and to publish.
        symbol: whose factor.
        month: whose bars.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the bars of the month are not there.
        CorruptFile: if a file is damaged.
    """
    require_traded(desk.settings, symbol, month)
    bars = bars_behind(desk, _BARS, symbol, month, HISTORY)
    own = bars[-1]
    beside = {name: desk.tables.current(name, symbol, month) for name in _BESIDE}
    known = [manifest for manifest in beside.values() if manifest is not None]
    parents = {m.address: m.version for m in (*bars, *known)}
    rules = desk.settings.risk_factor.model_dump(mode="json")
    max_hole = desk.settings.backtest.max_hole_minutes
    parents["risk_factor/settings"] = content_hash([rules, max_hole])
    code = source_hash(*_SOURCES)
    manifest = desk.tables.standing(RISK_LOG, symbol, month, code_version=code, parents=parents)
    changed = False
    if manifest is None or manifest.gaps != own.gaps:
        judged = judged_bars(
            desk.settings,
            frame_from(desk, bars, anchor(month, HISTORY)),
            _read(desk, beside[FORECASTS]),
            _read(desk, beside[REGIMES_TABLE]),
            least_error(desk, beside[CALIBRATION]),
        ).filter(between(month.start, month.end))
        manifest, changed = desk.tables.publish(
            RISK_LOG,
            symbol,
            month,
            changes(judged),
            code_version=code,
            parents=parents,
            gaps=own.gaps,
            extra={
                "source": source_of(desk.settings, own, symbol),
                "without": [name for name, found in beside.items() if found is None],
                "share": _shares(judged),
            },
        )
    rows = desk.tables.read_manifest(manifest)
    return published_from_manifest(
        desk.tables,
        manifest,
        changed=changed,
        without=", ".join(manifest.extra["without"]),
        payload=json.loads(rows["payload"][-1]) if rows.height else {},
        **{f"{reason} share": share for reason, share in manifest.extra["share"].items()},
    )


def judged_bars(
    settings: Settings,
    bars: pl.DataFrame,
    forecasts: pl.DataFrame | None,
    regimes: pl.DataFrame | None,
    calibration_error: float | None = None,
    drawdown: float | None = None,
) -> pl.DataFrame:
    """Judge every bar of one symbol.

    Args:
        settings: give the thresholds and the horizon whose confidence is looked at.
        bars: 5m bars, ascending, from an anchor on.
        forecasts: FORECAST_SCHEMA; None when there are none.
        regimes: REGIME_COLUMNS; None when there are none.
        calibration_error: what the distance of confidence and hit rate surely is, at least.
        drawdown: of a book, as a fraction; counts at every bar, so ask for the last one.

    Returns:
        RISK_LOG_COLUMNS, one row per bar.
    """
    from trading_assets.risk.factor_path import FactorInputs, factor_path, reason_names

    wanted = settings.risk_factor.horizon
    frame = bars.select("ts", "symbol", "high", "low", "close")
    if forecasts is None:
        frame = frame.with_columns(confidence=pl.lit(None, pl.Float64))
    else:
        chosen = forecasts.filter(pl.col("horizon") == wanted).select("ts", "confidence")
        frame = frame.join(chosen, on="ts", how="left", maintain_order="left")
    frame = known_regimes(frame, regimes, timedelta(minutes=Timeframe.M5.minutes))
    most = settings.backtest.max_hole_minutes * MINUTE + Timeframe.M5.micros
    path = factor_path(
        factor_rules(settings),
        FactorInputs(
            _floats(frame["high"]),
            _floats(frame["low"]),
            _floats(frame["close"]),
            np.diff(frame["ts"].to_physical().to_numpy(), prepend=frame["ts"].to_physical()[:1])
            > most,
            _floats(frame["confidence"]),
            np.full(frame.height, np.nan if drawdown is None else drawdown),
            _floats(frame["p_turbulent"]),
            calibration_error,
        ),
    )
    judged = frame.with_columns(
        risk_factor=path.factor,
        reasons=pl.Series(
            ["|".join(reason_names(code)) for code in path.reasons.tolist()], dtype=pl.String
        ),
        volatility=path.volatility,
        usual_volatility=path.usual,
        calibration_error=pl.lit(calibration_error, pl.Float64),
        payload=pl.lit(None, pl.String),
    )
    return judged.select(_LOG_SCHEMA.names())


def changes(judged: pl.DataFrame) -> pl.DataFrame:
    """Keep the first row and those whose factor or reasons are new, with their payload."""
    is_new = pl.col("risk_factor").diff().fill_null(1.0) != 0
    kept = judged.filter(is_new | (pl.col("reasons") != pl.col("reasons").shift()).fill_null(True))
    texts = [json.dumps(risk_payload(row)) for row in kept.iter_rows(named=True)]
    return kept.with_columns(payload=pl.Series(texts, dtype=pl.String))


def risk_payload(row: Mapping[str, Any], book: str = "") -> dict[str, Any]:
    """Give a judged bar as JSON: `{"risk_factor": 0.8, "reasons": [...], "timestamp": ...}`.

    `timestamp` is the close of the bar. Everything beside these three says whose factor it is.
    """
    close = row["ts"] + timedelta(minutes=Timeframe.M5.minutes)
    return {
        "risk_factor": row["risk_factor"],
        "reasons": row["reasons"].split("|") if row["reasons"] else [],
        "timestamp": f"{close:%Y-%m-%dT%H:%M:%SZ}",
        "asset": row["symbol"],
        **({"book": book} if book else {}),
        "purpose": "research",
    }


def factor_rules(settings: Settings) -> Any:
    """Give the thresholds of the settings, declared decimals as they are written."""
    from trading_assets.risk.factor_path import FactorRules

    said = settings.risk_factor
    own = RiskFactor(
        min_confidence=Decimal(str(said.min_confidence)),
        confidence_factor=Decimal(str(said.confidence_factor)),
        max_drawdown_pct=Decimal(str(said.max_drawdown_pct)),
        drawdown_factor=Decimal(str(said.drawdown_factor)),
        volatility_multiple=Decimal(str(said.volatility_multiple)),
        volatility_factor=Decimal(str(said.volatility_factor)),
        half_life_bars=said.half_life_bars,
    )
    return FactorRules(own, said.max_turbulence, said.max_calibration_error)


def _read(desk: Desk, manifest: Manifest | None) -> pl.DataFrame | None:
    return None if manifest is None else desk.tables.read_manifest(manifest)


def _floats(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _shares(judged: pl.DataFrame) -> dict[str, float]:
    """Give the part of the month's bars that each reason held in."""
    if not judged.height:
        return {}
    each = judged["reasons"].str.split("|").explode()
    counts = each.filter(each != "").value_counts().sort("reasons")
    return {row["reasons"]: row["count"] / judged.height for row in counts.iter_rows(named=True)}
