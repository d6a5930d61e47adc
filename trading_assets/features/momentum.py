"""The set `momentum`: trends of hours to a week and what confirms them, written as formulas."""

from __future__ import annotations

from trading_assets.domain.bar import Timeframe
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.formula import feature_from_formula

_TSMOM = "Moskowitz, Ooi, Pedersen 2012"
_VOLATILITY = "Andersen, Bollerslev 1998"
_ON_5M = {
    "volatility_1d": ("realised_volatility(close, 288)", _VOLATILITY),
    "momentum_1h": ("ratio(log_return(close, 12), realised_volatility(close, 288))", _TSMOM),
    "momentum_4h": ("ratio(log_return(close, 48), realised_volatility(close, 288))", _TSMOM),
    "momentum_1d": ("ratio(log_return(close, 288), realised_volatility(close, 288))", _TSMOM),
    "up_share_1d": ("sma(sign(log_return(close, 1)), 288)", "Da, Gurun, Warachka 2014"),
    "ema_slope_24": ("ratio(change(ema(close, 24), 12), atr(high, low, close, 14))", "Appel 1979"),
    "rsi_28": ("rsi(close, 28)", "Wilder 1978"),
    "efficiency_1d": ("efficiency_ratio(close, 288)", "Kaufman 1995"),
    "volatility_ratio": (
        "ratio(realised_volatility(close, 48), realised_volatility(close, 288))",
        "Corsi 2009",
    ),
    "volume_trend_4h": (
        "z_score(log1p(quote_volume), 288) * sign(log_return(close, 48))",
        "Lee, Swaminathan 2000",
    ),
}
_ON_1H = {
    "h1_momentum_24": ("ratio(log_return(close, 24), realised_volatility(close, 168))", _TSMOM),
    "h1_momentum_72": ("ratio(log_return(close, 72), realised_volatility(close, 168))", _TSMOM),
    "h1_momentum_168": ("ratio(log_return(close, 168), realised_volatility(close, 168))", _TSMOM),
    "h1_acceleration_24": ("change(log_return(close, 24), 24)", "Gettleman, Marks 2006"),
    "h1_macd_4_12": ("ratio(macd(close, 4, 12), atr(high, low, close, 4))", "Appel 1979"),
    "h1_breakout_168": ("range_position(high, low, close, 168)", "Donchian 1960"),
    "h1_drawdown_168": ("close / highest(high, 168) - 1", "George, Hwang 2004"),
    "h1_efficiency_72": ("efficiency_ratio(close, 72)", "Kaufman 1995"),
    "h1_volatility_168": ("realised_volatility(close, 168)", _VOLATILITY),
}

MOMENTUM = FeatureSet(
    "momentum",
    1,
    Timeframe.M5,
    tuple(
        feature_from_formula(name, formula, size, reference=reference)
        for size, formulas in ((Timeframe.M5, _ON_5M), (Timeframe.H1, _ON_1H))
        for name, (formula, reference) in formulas.items()
    ),
)
"""The second set: 19 columns, of which nine come from 1h bars; it looks back eight days."""
