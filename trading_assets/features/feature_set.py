"""Feature sets: named columns with formula, warm-up and source, computed on one anchored frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import content_hash, sha256_hex
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
    sma,
    wilder_warm_up,
    z_score,
)
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Feature:
    """One column.

    Attributes:
        formula: what a person reads in the catalogue.
        source: size of the bars it is computed on.
        warm_up_bars: rows of `source` before its first value; earlier ones are null.
        expression: on the columns of a bar table; causal, one value per row.
    """

    name: str
    formula: str
    source: Timeframe
    warm_up_bars: int
    expression: pl.Expr

    @property
    def warm_up(self) -> timedelta:
        """Calendar time from the first bar's open to the first value, on bars without holes."""
        return timedelta(minutes=(self.warm_up_bars + 1) * self.source.minutes)

    @property
    def column(self) -> pl.Expr:
        """The expression with its warm-up rows null, as Float64."""
        warm = pl.int_range(pl.len()) >= self.warm_up_bars
        return pl.when(warm).then(self.expression.cast(pl.Float64)).alias(self.name)


@dataclass(frozen=True)
class FeatureSet:
    """Features of one bar size.

    Rows are positional: a window of 12 rows is an hour where no bar is missing, and longer across
    a hole. Features of larger bars are taken from the newest bar that has closed when the row's
    own bar closes.

    Attributes:
        version: raised by hand when `compute` itself changes; changed expressions show by
            themselves in `code_version`.
        shared: columns that several features of the base size are made of, computed once.
    """

    name: str
    version: int
    base: Timeframe
    features: tuple[Feature, ...]
    shared: Mapping[str, pl.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that would shadow each other."""
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names) or {"ts", "symbol"} & set(names):
            raise ConfigurationError(
                f"Feature set {self.name} has colliding columns",
                expected="distinct names other than ts and symbol",
                found=", ".join(sorted(names)),
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def warm_up(self) -> timedelta:
        """Longest warm-up of its features."""
        return max(feature.warm_up for feature in self.features)

    @cached_property
    def code_version(self) -> str:
        """Identity of what is computed: name, version, and every expression as serialised."""
        return content_hash(
            [
                self.name,
                self.version,
                self.base.value,
                [
                    [
                        f.name,
                        f.source.value,
                        f.warm_up_bars,
                        sha256_hex(f.expression.meta.serialize()),
                    ]
                    for f in self.features
                ],
                {name: sha256_hex(e.meta.serialize()) for name, e in self.shared.items()},
            ]
        )

    def compute(self, bars: pl.DataFrame, sessions: Sessions | None = None) -> pl.DataFrame:
        """Compute every row of an anchored frame.

        Batch and live call this on frames with the same first row; then equal rows have equal
        bits, however far the frame goes on.

        Args:
            bars: one symbol's bars of the base size (RESAMPLED_SCHEMA), from the anchor on.
            sessions: of the symbol's calendar, which cut its larger bars; None for 24/7.

        Returns:
            `ts`, `symbol` and one Float64 column per feature; as many rows as `bars`. Null is
            "not warmed up", and never NaN or infinity.
        """
        rows = bars.with_columns(**self.shared).select(
            "ts", "symbol", *(f.column for f in self.features if f.source is self.base)
        )
        for size in sorted({f.source for f in self.features} - {self.base}, key=lambda s: s.micros):
            rows = self._join_closed(rows, resample(bars, size, sessions=sessions), size)
        return rows.select("ts", "symbol", *self.columns)

    def _join_closed(
        self, rows: pl.DataFrame, larger: pl.DataFrame, size: Timeframe
    ) -> pl.DataFrame:
        """Give each row the features of the newest larger bar that has closed by its own close."""
        columns = [f.column for f in self.features if f.source is size]
        larger = larger.select(_close_time(size).alias("closed"), *columns)
        return (
            rows.with_columns(_close_time(self.base).alias("closed"))
            .join_asof(larger, on="closed", strategy="backward")
            .drop("closed")
        )


def _close_time(size: Timeframe) -> pl.Expr:
    return (pl.col("ts") + pl.duration(microseconds=size.micros)).set_sorted()


_OPEN, _HIGH, _LOW, _CLOSE = (pl.col(name) for name in ("open", "high", "low", "close"))
_VOLUME, _TURNOVER, _TRADES = pl.col("volume"), pl.col("quote_volume"), pl.col("n_trades")
_HOUR, _FOUR_HOURS, _DAY = 12, 48, 288
"""Spans in 5m bars."""

_SHARED = {
    "_atr": atr(_HIGH, _LOW, _CLOSE, 14),
    "_day_volatility": realised_volatility(_CLOSE, _DAY),
    "_signed_volume": pl.when(_CLOSE > _OPEN)
    .then(_VOLUME)
    .when(_CLOSE < _OPEN)
    .then(-_VOLUME)
    .otherwise(0.0),
    "_trade_size": ratio(_TURNOVER, _TRADES, otherwise=0.0),
}
_ATR, _DAY_VOLATILITY, _SIGNED_VOLUME, _TRADE_SIZE = (pl.col(name) for name in _SHARED)
_MINUTE_OF_DAY = pl.col("ts").dt.hour().cast(pl.Float64) * 60 + pl.col("ts").dt.minute()
_ANGLE = _MINUTE_OF_DAY * (2 * math.pi / 1440)


def _scaled_return(span: int) -> pl.Expr:
    """Give the return in units of what a day's volatility makes of the span."""
    return ratio(log_return(_CLOSE, span), _DAY_VOLATILITY * math.sqrt(span), otherwise=0.0)


def _in_ranges(distance: pl.Expr) -> pl.Expr:
    return ratio(distance, _ATR, otherwise=0.0)


def _on_5m(name: str, formula: str, warm_up_bars: int, expression: pl.Expr) -> Feature:
    return Feature(name, formula, Timeframe.M5, warm_up_bars, expression)


def _on_1h(name: str, formula: str, warm_up_bars: int, expression: pl.Expr) -> Feature:
    return Feature(name, formula, Timeframe.H1, warm_up_bars, expression)


CORE = FeatureSet(
    "core",
    1,
    Timeframe.M5,
    (
        _on_5m("return_5m", "log(close / close[1])", 1, log_return(_CLOSE)),
        _on_5m("return_15m", "log(close / close[3])", 3, log_return(_CLOSE, 3)),
        _on_5m("return_1h", "log(close / close[12])", _HOUR, log_return(_CLOSE, _HOUR)),
        _on_5m("return_4h", "log(close / close[48])", _FOUR_HOURS, log_return(_CLOSE, _FOUR_HOURS)),
        _on_5m("return_1d", "log(close / close[288])", _DAY, log_return(_CLOSE, _DAY)),
        _on_5m(
            "scaled_return_1h",
            "return_1h / (volatility_1d * sqrt(12))",
            _DAY,
            _scaled_return(_HOUR),
        ),
        _on_5m(
            "scaled_return_4h",
            "return_4h / (volatility_1d * sqrt(48))",
            _DAY,
            _scaled_return(_FOUR_HOURS),
        ),
        _on_5m(
            "scaled_return_1d",
            "return_1d / (volatility_1d * sqrt(288))",
            _DAY,
            _scaled_return(_DAY),
        ),
        _on_5m("volatility_1h", "rms of 12 log returns", _HOUR, realised_volatility(_CLOSE, _HOUR)),
        _on_5m(
            "volatility_4h",
            "rms of 48 log returns",
            _FOUR_HOURS,
            realised_volatility(_CLOSE, _FOUR_HOURS),
        ),
        _on_5m("volatility_1d", "rms of 288 log returns", _DAY, _DAY_VOLATILITY),
        _on_5m(
            "volatility_ratio",
            "volatility_1h / volatility_1d",
            _DAY,
            ratio(realised_volatility(_CLOSE, _HOUR), _DAY_VOLATILITY, otherwise=1.0),
        ),
        _on_5m(
            "range_volatility_4h",
            "Parkinson over 48 bars",
            _FOUR_HOURS - 1,
            parkinson_volatility(_HIGH, _LOW, _FOUR_HOURS),
        ),
        _on_5m("rsi_14", "Wilder RSI(14)", wilder_warm_up(14), rsi(_CLOSE, 14)),
        _on_5m("atr_pct_14", "100 * ATR(14) / close", wilder_warm_up(14), 100.0 * _ATR / _CLOSE),
        _on_5m(
            "z_score_4h", "z-score of close, 48 bars", _FOUR_HOURS - 1, z_score(_CLOSE, _FOUR_HOURS)
        ),
        _on_5m("z_score_1d", "z-score of close, 288 bars", _DAY - 1, z_score(_CLOSE, _DAY)),
        _on_5m(
            "ema_distance_12",
            "(close - EMA(12)) / ATR(14)",
            wilder_warm_up(14),
            _in_ranges(_CLOSE - ema(_CLOSE, 12)),
        ),
        _on_5m(
            "ema_distance_48",
            "(close - EMA(48)) / ATR(14)",
            ema_warm_up(48),
            _in_ranges(_CLOSE - ema(_CLOSE, 48)),
        ),
        _on_5m(
            "ema_spread_12_48",
            "(EMA(12) - EMA(48)) / ATR(14)",
            ema_warm_up(48),
            _in_ranges(macd(_CLOSE, 12, 48)),
        ),
        _on_5m(
            "range_position_4h",
            "(close - low48) / (high48 - low48)",
            _FOUR_HOURS - 1,
            range_position(_HIGH, _LOW, _CLOSE, _FOUR_HOURS),
        ),
        _on_5m(
            "range_position_1d",
            "(close - low288) / (high288 - low288)",
            _DAY - 1,
            range_position(_HIGH, _LOW, _CLOSE, _DAY),
        ),
        _on_5m(
            "efficiency_4h",
            "net change / path, 48 bars",
            _FOUR_HOURS,
            efficiency_ratio(_CLOSE, _FOUR_HOURS),
        ),
        _on_5m(
            "body",
            "(close - open) / (high - low)",
            0,
            ratio(_CLOSE - _OPEN, _HIGH - _LOW, otherwise=0.0),
        ),
        _on_5m(
            "signed_volume_1h",
            "up less down volume over volume, 12 bars",
            _HOUR - 1,
            ratio(_SIGNED_VOLUME.rolling_sum(_HOUR), _VOLUME.rolling_sum(_HOUR), otherwise=0.0),
        ),
        _on_5m(
            "signed_volume_4h",
            "the same, 48 bars",
            _FOUR_HOURS - 1,
            ratio(
                _SIGNED_VOLUME.rolling_sum(_FOUR_HOURS),
                _VOLUME.rolling_sum(_FOUR_HOURS),
                otherwise=0.0,
            ),
        ),
        _on_5m(
            "volume_z_1d",
            "z-score of log(1 + quote volume), 288 bars",
            _DAY - 1,
            z_score(_TURNOVER.log1p(), _DAY),
        ),
        _on_5m(
            "trades_z_1d",
            "z-score of log(1 + trades), 288 bars",
            _DAY - 1,
            z_score(_TRADES.cast(pl.Float64).log1p(), _DAY),
        ),
        _on_5m(
            "trade_size_ratio",
            "quote volume per trade over its mean of 288 bars",
            _DAY - 1,
            ratio(_TRADE_SIZE, sma(_TRADE_SIZE, _DAY), otherwise=1.0),
        ),
        _on_5m("time_sin", "sine of the time of day", 0, _ANGLE.sin()),
        _on_5m("time_cos", "cosine of the time of day", 0, _ANGLE.cos()),
        _on_1h("h1_return_24", "log(close / close[24]) of 1h bars", 24, log_return(_CLOSE, 24)),
        _on_1h("h1_z_score_72", "z-score of 1h close, 72 bars", 71, z_score(_CLOSE, 72)),
        _on_1h(
            "h1_efficiency_24", "net change / path, 24 1h bars", 24, efficiency_ratio(_CLOSE, 24)
        ),
        _on_1h(
            "h1_range_position_72",
            "(close - low72) / (high72 - low72) of 1h bars",
            71,
            range_position(_HIGH, _LOW, _CLOSE, 72),
        ),
    ),
    _SHARED,
)
"""The first set: 35 columns on 5m bars, of which four come from 1h bars."""
