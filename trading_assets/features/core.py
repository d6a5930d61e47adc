"""The set `core`: returns, volatility, position, volume and time of day, on 5m bars and 1h bars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from trading_assets.domain.bar import Timeframe
from trading_assets.features.feature import Feature
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.indicators import (
    atr,
    efficiency_ratio,
    ema,
    ema_warm_up,
    log_return,
    macd,
    parkinson_volatility,
    range_position,
    ratio,
    realised_volatility,
    rsi,
    share,
    sma,
    wilder_warm_up,
    z_score,
)

if TYPE_CHECKING:
    import polars as pl
    from polars.functions.col import Col

    from trading_assets.features.feature import Expression

_HOUR, _FOUR_HOURS, _DAY = 12, 48, 288
"""Spans in 5m bars."""


def _signed_volume(col: Col) -> pl.Expr:
    import polars as pl

    return (
        pl.when(col.close > col.open)
        .then(col.volume)
        .when(col.close < col.open)
        .then(-col.volume)
        .otherwise(0.0)
    )


_REFERENCES: Mapping[str, str] = {
    "return": "Campbell, Lo, MacKinlay 1997, ch. 1",
    "scaled_return": "Moskowitz, Ooi, Pedersen 2012",
    "volatility": "Andersen, Bollerslev 1998",
    "volatility_ratio": "Corsi 2009",
    "range_volatility": "Parkinson 1980",
    "rsi": "Wilder 1978",
    "atr_pct": "Wilder 1978",
    "z_score": "Bollinger 2001",
    "ema": "Appel 1979",
    "range_position": "Lane 1984",
    "efficiency": "Kaufman 1995",
    "body": "Nison 1991",
    "signed_volume": "Granville 1963",
    "volume_z": "Karpoff 1987",
    "trades_z": "Jones, Kaul, Lipson 1994",
    "trade_size_ratio": "Easley, O'Hara 1987",
    "time": "Admati, Pfleiderer 1988",
}
"""Who proposed what a column measures, by the beginning of its name."""


_SHARED: Mapping[str, Expression] = {
    "_atr": lambda col: atr(col.high, col.low, col.close, 14),
    "_day_volatility": lambda col: realised_volatility(col.close, _DAY),
    "_signed_volume": _signed_volume,
    "_trade_size": lambda col: ratio(col.quote_volume, col.n_trades, otherwise=0.0),
}


def _angle(col: Col) -> pl.Expr:
    """Give the time of day as an angle."""
    minute_of_day = _as_float(col.ts.dt.hour()) * 60 + col.ts.dt.minute()
    return minute_of_day * (2 * math.pi / 1440)


def _as_float(values: pl.Expr) -> pl.Expr:
    import polars as pl

    return values.cast(pl.Float64)


def _scaled_return(col: Col, span: int) -> pl.Expr:
    """Give the return in units of what a day's volatility makes of the span."""
    a_day = col("_day_volatility") * math.sqrt(span)
    return ratio(log_return(col.close, span), a_day, otherwise=0.0)


def _in_ranges(col: Col, distance: pl.Expr) -> pl.Expr:
    return ratio(distance, col("_atr"), otherwise=0.0)


def _signed_share(col: Col, span: int) -> pl.Expr:
    """Give up less down volume as a share of the volume of the span."""
    return share(col("_signed_volume"), col.volume, span)


def _on_5m(name: str, formula: str, warm_up_bars: int, make: Expression) -> Feature:
    return Feature(name, formula, Timeframe.M5, warm_up_bars, make, _reference(name))


def _on_1h(name: str, formula: str, warm_up_bars: int, make: Expression) -> Feature:
    return Feature(name, formula, Timeframe.H1, warm_up_bars, make, _reference(name))


def _reference(name: str) -> str:
    """Give the reference of the longest beginning."""
    plain = name.removeprefix("h1_")
    return _REFERENCES[max(filter(plain.startswith, _REFERENCES), key=len)]


CORE = FeatureSet(
    "core",
    1,
    Timeframe.M5,
    (
        _on_5m("return_5m", "log(close / close[1])", 1, lambda col: log_return(col.close)),
        _on_5m("return_15m", "log(close / close[3])", 3, lambda col: log_return(col.close, 3)),
        _on_5m(
            "return_1h", "log(close / close[12])", _HOUR, lambda col: log_return(col.close, _HOUR)
        ),
        _on_5m(
            "return_4h",
            "log(close / close[48])",
            _FOUR_HOURS,
            lambda col: log_return(col.close, _FOUR_HOURS),
        ),
        _on_5m(
            "return_1d", "log(close / close[288])", _DAY, lambda col: log_return(col.close, _DAY)
        ),
        _on_5m(
            "scaled_return_1h",
            "return_1h / (volatility_1d * sqrt(12))",
            _DAY,
            lambda col: _scaled_return(col, _HOUR),
        ),
        _on_5m(
            "scaled_return_4h",
            "return_4h / (volatility_1d * sqrt(48))",
            _DAY,
            lambda col: _scaled_return(col, _FOUR_HOURS),
        ),
        _on_5m(
            "scaled_return_1d",
            "return_1d / (volatility_1d * sqrt(288))",
            _DAY,
            lambda col: _scaled_return(col, _DAY),
        ),
        _on_5m(
            "volatility_1h",
            "rms of 12 log returns",
            _HOUR,
            lambda col: realised_volatility(col.close, _HOUR),
        ),
        _on_5m(
            "volatility_4h",
            "rms of 48 log returns",
            _FOUR_HOURS,
            lambda col: realised_volatility(col.close, _FOUR_HOURS),
        ),
        _on_5m("volatility_1d", "rms of 288 log returns", _DAY, lambda col: col("_day_volatility")),
        _on_5m(
            "volatility_ratio",
            "volatility_1h / volatility_1d",
            _DAY,
            lambda col: ratio(
                realised_volatility(col.close, _HOUR), col("_day_volatility"), otherwise=1.0
            ),
        ),
        _on_5m(
            "range_volatility_4h",
            "Parkinson over 48 bars",
            _FOUR_HOURS - 1,
            lambda col: parkinson_volatility(col.high, col.low, _FOUR_HOURS),
        ),
        _on_5m("rsi_14", "Wilder RSI(14)", wilder_warm_up(14), lambda col: rsi(col.close, 14)),
        _on_5m(
            "atr_pct_14",
            "100 * ATR(14) / close",
            wilder_warm_up(14),
            lambda col: 100.0 * col("_atr") / col.close,
        ),
        _on_5m(
            "z_score_4h",
            "z-score of close, 48 bars",
            _FOUR_HOURS - 1,
            lambda col: z_score(col.close, _FOUR_HOURS),
        ),
        _on_5m(
            "z_score_1d",
            "z-score of close, 288 bars",
            _DAY - 1,
            lambda col: z_score(col.close, _DAY),
        ),
        _on_5m(
            "ema_distance_12",
            "(close - EMA(12)) / ATR(14)",
            wilder_warm_up(14),
            lambda col: _in_ranges(col, col.close - ema(col.close, 12)),
        ),
        _on_5m(
            "ema_distance_48",
            "(close - EMA(48)) / ATR(14)",
            ema_warm_up(48),
            lambda col: _in_ranges(col, col.close - ema(col.close, 48)),
        ),
        _on_5m(
            "ema_spread_12_48",
            "(EMA(12) - EMA(48)) / ATR(14)",
            ema_warm_up(48),
            lambda col: _in_ranges(col, macd(col.close, 12, 48)),
        ),
        _on_5m(
            "range_position_4h",
            "(close - low48) / (high48 - low48)",
            _FOUR_HOURS - 1,
            lambda col: range_position(col.high, col.low, col.close, _FOUR_HOURS),
        ),
        _on_5m(
            "range_position_1d",
            "(close - low288) / (high288 - low288)",
            _DAY - 1,
            lambda col: range_position(col.high, col.low, col.close, _DAY),
        ),
        _on_5m(
            "efficiency_4h",
            "net change / path, 48 bars",
            _FOUR_HOURS,
            lambda col: efficiency_ratio(col.close, _FOUR_HOURS),
        ),
        _on_5m(
            "body",
            "(close - open) / (high - low)",
            0,
            lambda col: ratio(col.close - col.open, col.high - col.low, otherwise=0.0),
        ),
        _on_5m(
            "signed_volume_1h",
            "up less down volume over volume, 12 bars",
            _HOUR - 1,
            lambda col: _signed_share(col, _HOUR),
        ),
        _on_5m(
            "signed_volume_4h",
            "the same, 48 bars",
            _FOUR_HOURS - 1,
            lambda col: _signed_share(col, _FOUR_HOURS),
        ),
        _on_5m(
            "volume_z_1d",
            "z-score of log(1 + quote volume), 288 bars",
            _DAY - 1,
            lambda col: z_score(col.quote_volume.log1p(), _DAY),
        ),
        _on_5m(
            "trades_z_1d",
            "z-score of log(1 + trades), 288 bars",
            _DAY - 1,
            lambda col: z_score(_as_float(col.n_trades).log1p(), _DAY),
        ),
        _on_5m(
            "trade_size_ratio",
            "quote volume per trade over its mean of 288 bars",
            _DAY - 1,
            lambda col: ratio(col("_trade_size"), sma(col("_trade_size"), _DAY), otherwise=1.0),
        ),
        _on_5m("time_sin", "sine of the time of day", 0, lambda col: _angle(col).sin()),
        _on_5m("time_cos", "cosine of the time of day", 0, lambda col: _angle(col).cos()),
        _on_1h(
            "h1_return_24",
            "log(close / close[24]) of 1h bars",
            24,
            lambda col: log_return(col.close, 24),
        ),
        _on_1h(
            "h1_z_score_72", "z-score of 1h close, 72 bars", 71, lambda col: z_score(col.close, 72)
        ),
        _on_1h(
            "h1_efficiency_24",
            "net change / path, 24 1h bars",
            24,
            lambda col: efficiency_ratio(col.close, 24),
        ),
        _on_1h(
            "h1_range_position_72",
            "(close - low72) / (high72 - low72) of 1h bars",
            71,
            lambda col: range_position(col.high, col.low, col.close, 72),
        ),
    ),
    _SHARED,
)
"""The first set: 35 columns on 5m bars, of which four come from 1h bars."""
