"""Columns of the market tables, with types in words: the catalogue shows them without polars."""

from __future__ import annotations

from collections.abc import Mapping

TIME, TEXT, FLOAT = "Datetime(us, UTC)", "String", "Float64"
INTEGER, SMALL_INTEGER, FLAG = "Int64", "Int32", "Boolean"

BAR_COLUMNS: Mapping[str, str] = {
    "ts": TIME,
    "symbol": TEXT,
    "open": FLOAT,
    "high": FLOAT,
    "low": FLOAT,
    "close": FLOAT,
    "volume": FLOAT,
    "quote_volume": FLOAT,
    "n_trades": INTEGER,
    "source": TEXT,
}
"""Columns of `bars_1m`: `ts` is the open time, prices in quote, volume in base.

A source that does not give volume, quote volume or the number of trades leaves that column null in
every row; nothing is made up.
"""

RESAMPLED_COLUMNS: Mapping[str, str] = {
    **BAR_COLUMNS,
    "n_minutes": SMALL_INTEGER,
    "complete": FLAG,
}
"""Columns of `bars_5m` and larger: the minutes inside, and whether none is missing.

Where the source gives larger bars, nobody knows the minutes: `n_minutes` is null in every row.
"""

MEMBER, RANK = "member", "rank"

UNIVERSE_COLUMNS: Mapping[str, str] = {
    "valid_from": TIME,
    "symbol": TEXT,
    RANK: INTEGER,
    "median_quote_volume": FLOAT,
    "roc_pct": FLOAT,
    "news": FLAG,
    MEMBER: FLAG,
    "reason": TEXT,
}
"""One row per symbol and month. `rank` counts from 1 among those that pass every rule, null for
others; `reason` says why a symbol is no member, and is null for members. The universe holds from
`valid_from`, the first instant of the month, to the end of the month."""

CALM, NORMAL, TURBULENT = "calm", "normal", "turbulent"
REGIMES = (CALM, NORMAL, TURBULENT)
"""Names of volatility regimes, from the smallest variance to the largest."""

REGIME_PROBABILITIES = tuple(f"p_{label}" for label in REGIMES)

REGIME_COLUMNS: Mapping[str, str] = {
    "ts": TIME,
    "symbol": TEXT,
    **dict.fromkeys(REGIME_PROBABILITIES, FLOAT),
    "regime": TEXT,
    "volatility": FLOAT,
}
"""Columns of `regimes`: what is known at the close of the hour that opens at `ts`."""

REGIME_TEXTS: Mapping[str, str] = {
    "p_calm": "probability of the state of the smallest variance",
    "p_normal": "of the state between; null with two states",
    "p_turbulent": "of the state of the largest variance",
    "regime": "the most probable state",
    "volatility": "of an hour's log return: root of the variances' mean, weighed by probability",
}

RISK_LOG_COLUMNS: Mapping[str, str] = {
    "ts": TIME,
    "symbol": TEXT,
    "risk_factor": FLOAT,
    "reasons": TEXT,
    "confidence": FLOAT,
    "volatility": FLOAT,
    "usual_volatility": FLOAT,
    "p_turbulent": FLOAT,
    "calibration_error": FLOAT,
    "payload": TEXT,
}
"""Columns of `risk_log`: a row for the first bar of a month and for every change of the factor."""

RISK_LOG_TEXTS: Mapping[str, str] = {
    "ts": "open of the bar at whose close the factor changed",
    "risk_factor": "what entries are multiplied by from here on",
    "reasons": "why, joined by |; empty for a factor of 1",
    "confidence": "of the forecast at that close; null when there is none",
    "volatility": "of one bar; 0 while it is not known",
    "usual_volatility": "its mean since the frame began",
    "p_turbulent": "probability of the turbulent regime, as known at that close",
    "calibration_error": "of confidences, at least, as known before the month; null: not known",
    "payload": "the same as JSON, as readers of risk_updates expect it",
}

CALIBRATION_COLUMNS: Mapping[str, str] = {
    "symbol": TEXT,
    "horizon": TEXT,
    "error": FLOAT,
    "least": FLOAT,
    "rows": INTEGER,
    "blocks": INTEGER,
    "first": TIME,
    "last": TIME,
}
"""Columns of `forecast_calibration`: a row per horizon, of what was known before the month."""

CALIBRATION_TEXTS: Mapping[str, str] = {
    "error": "mean distance of confidence and hit rate without what chance adds; null: not known",
    "least": "what it surely is at least, to `risk_factor.calibration_confidence`",
    "rows": "forecasts whose returns were known before the month, with a confidence",
    "blocks": "of time, nearly independent of each other, that the certainty is of",
    "first": "UTC day on which the first of these returns was known",
    "last": "and the last",
}

_INTERVAL = ("", "_error", "_low", "_high")

COST_COLUMNS: Mapping[str, str] = {
    "known_from": TIME,
    "symbol": TEXT,
    "model": TEXT,
    "fills": INTEGER,
    "maker_bps": FLOAT,
    "taker_bps": FLOAT,
    "orders": INTEGER,
    "days": INTEGER,
    **{f"worse{end}": FLOAT for end in _INTERVAL},
    "share_mean": FLOAT,
    "share_max": FLOAT,
    "root_mean": FLOAT,
    **{f"half_spread{end}": FLOAT for end in _INTERVAL},
    **{f"impact{end}": FLOAT for end in _INTERVAL},
    "used_half_spread_bps": FLOAT,
    "used_impact": FLOAT,
    "mean_bps": FLOAT,
    "tail_bps": FLOAT,
    "outliers": INTEGER,
    "reason": TEXT,
    "impact_reason": TEXT,
}
"""Columns of `costs_<book>`: one row per symbol (`*`: all) and model of impact. What is not known
is null, and `reason` or `impact_reason` says why."""

COST_TEXTS: Mapping[str, str] = {
    "known_from": "instant from which all that the version is made of was known",
    "model": "key of `costs` whose coefficient the impact is: impact_bps or sqrt_impact",
    "maker_bps": "fees paid by resting orders, in 1/10,000 of what they traded; exact",
    "taker_bps": "fees paid by orders that took",
    "worse": "by how much prices were worse than touched, in bps: robust mean, its error and "
    "interval",
    "share_mean": "mean of what impact_bps is multiplied by: the share of the bar's volume",
    "root_mean": "mean of what sqrt_impact is multiplied by, in bps",
    "half_spread": "as fitted, in bps; may be below zero",
    "impact": "coefficient as fitted; may be below zero",
    "used_half_spread_bps": "what an engine is to use, never below zero",
    "used_impact": "the coefficient that an engine is to use",
    "mean_bps": "plain mean of what prices were worse by",
    "tail_bps": "of that, what lies above the fitted line: large when costs are skewed",
    "outliers": "orders that weigh less than others",
}
