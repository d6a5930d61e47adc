"""Feature sets: named columns with formula, warm-up and source, computed on one anchored frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import content_hash, sha256_hex
from trading_assets.features.feature import Feature

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.features.feature import Expression
    from trading_assets.market.sessions import Sessions


@dataclass(frozen=True)
class FeatureSet:
    """Features of one bar size.

    Rows are positional: 12 rows are an hour where no bar is missing, and longer across a hole.
    Features of larger bars come from the newest bar that has closed when the row's own closes.

    Attributes:
        version: raised by hand when `compute` itself changes; changed expressions show by
            themselves in `code_version`.
        shared: columns that several features of the base size are made of, computed once.
    """

    name: str
    version: int
    base: Timeframe
    features: tuple[Feature, ...]
    shared: Mapping[str, Expression] = field(default_factory=dict)

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
    def table(self) -> str:
        """Name of its table: `features_5m` of `core`, `features_5m_<name>` of others."""
        first = f"features_{self.base.value}"
        return first if self.name == "core" else f"{first}_{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def warm_up(self) -> timedelta:
        """Longest warm-up of its features."""
        return max(feature.warm_up for feature in self.features)

    @cached_property
    def shared_columns(self) -> dict[str, pl.Expr]:
        """The expressions of `shared`."""
        import polars as pl

        return {name: make(pl.col) for name, make in self.shared.items()}

    @cached_property
    def _feature_columns(self) -> dict[str, pl.Expr]:
        """Made once: the live desk computes a frame for every bar."""
        return {feature.name: feature.column for feature in self.features}

    @cached_property
    def code_version(self) -> str:
        """Identity of what is computed: name, version, every expression as serialised, polars.

        Another window or another polars gives another one; another word in `formula`, or in a
        comment, does not.
        """
        return content_hash(
            [
                installed_version("polars"),
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
                {name: sha256_hex(e.meta.serialize()) for name, e in self.shared_columns.items()},
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
        from trading_assets.market.resample import resample

        rows = bars.with_columns(**self.shared_columns).select(
            "ts", "symbol", *self._columns_on(self.base)
        )
        for size in sorted({f.source for f in self.features} - {self.base}, key=lambda s: s.micros):
            rows = self._join_closed(rows, resample(bars, size, sessions=sessions), size)
        return rows.select("ts", "symbol", *self.columns)

    def _join_closed(
        self, rows: pl.DataFrame, larger: pl.DataFrame, size: Timeframe
    ) -> pl.DataFrame:
        """Give each row the features of the newest larger bar that has closed by its own close."""
        larger = larger.select(_close_time(size).alias("_closed"), *self._columns_on(size))
        return (
            rows.with_columns(_close_time(self.base).alias("_closed"))
            .join_asof(larger, on="_closed", strategy="backward")
            .drop("_closed")
        )

    def _columns_on(self, size: Timeframe) -> list[pl.Expr]:
        return [self._feature_columns[f.name] for f in self.features if f.source is size]


def _close_time(size: Timeframe) -> pl.Expr:
    import polars as pl

    return (pl.col("ts") + pl.duration(microseconds=size.micros)).set_sorted()
