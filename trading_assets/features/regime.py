"""Volatility regimes of a market: probabilities that are filtered, never smoothed.

Hamilton's (1989) filter of a Markov-switching variance: an hour's log return is normal about zero,
and its variance is that of the state the hour is in; states follow each other as a Markov chain.
The filter gives the probability of each state by what was seen up to an hour's close. A smoothed
probability looks at later hours too, and has no place here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import content_hash
from trading_assets.features.indicators import log_return
from trading_assets.market.table_columns import (
    CALM,
    REGIME_COLUMNS,
    REGIME_PROBABILITIES,
    REGIMES,
    TURBULENT,
)

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

BAR = Timeframe.H1
"""Size of the bars that regimes are seen on."""

WARM_UP = timedelta(days=30)
"""After so long the filter has forgotten what it began with; the manifest says whether it has."""

LABELS: Mapping[int, tuple[str, ...]] = {2: (CALM, TURBULENT), 3: REGIMES}
"""Names of the states by their number, from the smallest variance to the largest."""

_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class RegimeParameters:
    """A Markov-switching variance, as it was estimated before the month that it serves.

    Attributes:
        variances: of an hour's log return in each state, ascending.
        transition: `transition[i][j]` is the probability that state j follows state i.
    """

    variances: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Refuse what is no such model."""
        k = len(self.variances)
        rows = self.transition
        ascending = all(a < b for a, b in itertools.pairwise(self.variances))
        sane = (
            k in LABELS
            and all(0 < v < math.inf for v in self.variances)
            and ascending
            and len(rows) == k
            and all(len(row) == k and all(0 <= p <= 1 for p in row) for row in rows)
            and all(abs(sum(row) - 1) <= _SUM_TOLERANCE for row in rows)
        )
        if not sane:
            raise DataError(
                "These are no parameters of regimes",
                expected="2 or 3 ascending variances, and as many rows of probabilities",
                found=f"{self.variances}, {self.transition}"[:200],
            )

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> RegimeParameters:
        """Read what `plain` gave.

        Raises:
            DataError: if it is no such model.
        """
        rows = tuple(tuple(map(float, row)) for row in values["transition"])
        return cls(tuple(map(float, values["variances"])), rows)

    @property
    def plain(self) -> dict[str, Any]:
        """The parameters as JSON has them."""
        return {"variances": list(self.variances), "transition": [list(r) for r in self.transition]}

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON of the parameters."""
        return content_hash(self.plain)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the states, in order."""
        return LABELS[len(self.variances)]

    @property
    def durations(self) -> tuple[float, ...]:
        """Expected hours that a state lasts: 1 / (1 - p_ii)."""
        stays = (row[i] for i, row in enumerate(self.transition))
        return tuple(1 / (1 - p) if p < 1 else math.inf for p in stays)

    @cached_property
    def stationary(self) -> tuple[float, ...]:
        """Probabilities of the states when nothing is known: the chain's stationary law."""
        k = len(self.variances)
        moved = np.array(self.transition).T - np.eye(k)
        system = np.vstack([moved, np.ones(k)])
        found = np.linalg.lstsq(system, np.append(np.zeros(k), 1.0), rcond=None)[0]
        found = np.clip(found, 0.0, 1.0)
        return tuple(float(p) for p in found / found.sum())


def filtered_probabilities(
    returns: Sequence[float | None], hours: Sequence[int], parameters: RegimeParameters
) -> NDArray[np.float64]:
    """Give the probability of each state by what was seen up to each row.

    Hamilton (1989): predict by the transition, weigh by the likelihood of the return, normalise.
    A row without a return is predicted only, over as many hours as have passed.

    Args:
        returns: log return of each row, None where it is not that of one hour.
        hours: since the row before; 0 for the first row.
        parameters: known before the first row that is used.

    Returns:
        float64 (rows, states); each row sums to one.
    """
    found = np.empty((len(returns), len(parameters.variances)))
    for row, probabilities in enumerate(_filter(returns, hours, parameters)):
        found[row] = probabilities
    return found


def regimes_of(bars: pl.DataFrame, parameters: RegimeParameters | None) -> pl.DataFrame:
    """Give the regimes of an anchored frame.

    Args:
        bars: one symbol's bars of BAR from the anchor on (RESAMPLED_SCHEMA), ascending.
        parameters: None where none could be estimated: all is null then.

    Returns:
        REGIME_COLUMNS, one row per bar; null before WARM_UP is over. After a hole a return would
        be that of several hours, so the row is predicted only.
    """
    import polars as pl

    keys = bars.select("ts", "symbol")
    own = tuple(name for name in REGIME_COLUMNS if name not in keys.columns)
    if parameters is None or not bars.height:
        types = {"regime": pl.String()}
        return keys.with_columns(pl.lit(None, types.get(n, pl.Float64())).alias(n) for n in own)
    hours = bars["ts"].diff().dt.total_hours().fill_null(0).to_list()
    found = filtered_probabilities(hourly_returns(bars), hours, parameters)
    variances = parameters.variances
    values: dict[str, Any] = {
        **{f"p_{label}": found[:, i] for i, label in enumerate(parameters.labels)},
        "regime": [parameters.labels[i] for i in found.argmax(axis=1)],
        "volatility": [math.sqrt(sum(map(_times, row, variances))) for row in found.tolist()],
    }
    warm = pl.col("ts") >= pl.col("ts").first() + WARM_UP
    nothing = pl.lit(None, dtype=pl.Float64)
    return keys.with_columns(
        pl.when(warm).then(pl.Series(values[name]) if name in values else nothing).alias(name)
        for name in own
    )


def known_regimes(
    bars: pl.DataFrame, regimes: pl.DataFrame | None, bar_size: timedelta
) -> pl.DataFrame:
    """Add to each bar the probabilities and the regime that were known at its close.

    Args:
        bars: of one symbol, ascending by `ts`.
        regimes: REGIME_COLUMNS of that symbol, ascending; None when there are none.
        bar_size: of the bars.

    Returns:
        The bars with REGIME_PROBABILITIES and `regime`: of the newest hour that has closed by the
        bar's own close, unless that was an hour ago or longer; then null.
    """
    import polars as pl

    own = (*REGIME_PROBABILITIES, "regime")
    if regimes is None:
        types = {"regime": pl.String()}
        return bars.with_columns(pl.lit(None, types.get(n, pl.Float64())).alias(n) for n in own)
    hour = timedelta(minutes=BAR.minutes)
    known = regimes.select((pl.col("ts") + hour).set_sorted().alias("_closed"), *own)
    return (
        bars.with_columns(_closed=(pl.col("ts") + bar_size).set_sorted())
        .join_asof(
            known, on="_closed", strategy="backward", tolerance=hour - timedelta(microseconds=1)
        )
        .drop("_closed")
    )


def hourly_returns(bars: pl.DataFrame) -> list[float | None]:
    """Give the log return of each bar of BAR; None for the first one and after a hole."""
    import polars as pl

    one_hour = pl.col("ts").diff() == timedelta(minutes=BAR.minutes)
    return bars.select(pl.when(one_hour).then(log_return(pl.col("close")))).to_series().to_list()


def _filter(
    returns: Sequence[float | None], hours: Sequence[int], parameters: RegimeParameters
) -> Iterator[list[float]]:
    # Scalars, one after the other: an array's exponential may round by its place in the array.
    columns = list(zip(*parameters.transition, strict=True))
    logs = [-0.5 * math.log(v) for v in parameters.variances]
    now = list(parameters.stationary)
    for value, passed in zip(returns, hours, strict=True):
        for _ in range(passed):
            now = [sum(map(_times, now, column)) for column in columns]
        if value is not None:
            square = value * value
            scores = [
                log - 0.5 * square / v for log, v in zip(logs, parameters.variances, strict=True)
            ]
            best = max(scores)
            now = [p * math.exp(score - best) for p, score in zip(now, scores, strict=True)]
        total = sum(now)
        now = [p / total for p in now]
        yield now


def _times(a: float, b: float) -> float:
    return a * b
