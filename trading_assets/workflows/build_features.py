"""Compute one month of features, prove that they know no future, and publish them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import polars as pl

from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.features.anchor import anchor
from trading_assets.features.core import CORE
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.look_ahead import MIN_CUTS, Leak, differing_rows, find_look_ahead
from trading_assets.features.warm_up import find_short_warm_up
from trading_assets.market.bar_frame import between, instant
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.listing import is_traded_in, require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.native_tables import require_bars_of
from trading_assets.workflows.published import Published

Compute = Callable[[pl.DataFrame], pl.DataFrame]

FEATURES = CORE.table
_BARS = bars_table(Timeframe.M5)
_PROVEN_DAYS = 7
"""Days of a month whose warm-up is proven; later ones have more history still."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check of a partition."""

    name: str
    passed: bool
    detail: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def build_features(
    desk: Desk, symbol: Symbol, month: Month, features: FeatureSet = CORE
) -> Published:
    """Publish one month of a feature set, computed on the frame from the month's anchor on.

    Before anything is written the frame is cut at random bars and continued differently, and where
    there is history enough computed with twice the warm-up: neither may change a row. Where the
    source gives larger bars only there are no rows, and the report says why.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the bars of the month are not there.
        CorruptFile: if a file of bars is damaged.
        DataError: if a column knows the future, needs a longer warm-up or is not finite.
    """
    require_traded(desk.settings, symbol, month)
    bars = _bars_behind(desk, symbol, month, features.warm_up)
    parents = {manifest.address: manifest.version for manifest in bars}
    manifest = desk.tables.standing(
        features.table, symbol, month, code_version=features.code_version, parents=parents
    )
    changed = False
    if manifest is None or manifest.gaps != bars[-1].gaps:
        frame = _frame(desk, bars, anchor(month, features.warm_up))
        compute = _compute(desk, symbol, features)
        rows = compute(frame).filter(between(month.start, month.end))
        _refuse_infinite(rows, symbol, month)
        seed = desk.settings.model.seed
        cuts = _refuse_look_ahead(compute, frame, symbol, month, seed=seed)
        warm_up = bars[-1].extra.get("empty_because") or _prove_warm_up(
            desk, symbol, month, features
        )
        manifest, changed = desk.tables.publish(
            features.table,
            symbol,
            month,
            rows,
            code_version=features.code_version,
            parents=parents,
            gaps=bars[-1].gaps,
            extra={
                "source": bars[-1].extra.get("source", desk.settings.source_of(symbol)),
                "feature_set": features.name,
                "feature_set_version": features.version,
                "incomplete_rows": rows.height - rows.drop_nulls().height,
                "look_ahead": {"cuts": cuts, "seed": seed, "leaks": 0},
                "warm_up": warm_up,
            },
        )
    return published_from_manifest(
        desk.tables,
        manifest,
        changed=changed,
        feature_set=f"{features.name} {features.version}",
        columns=len(features.columns),
        incomplete_rows=manifest.extra["incomplete_rows"],
        look_ahead_cuts=manifest.extra["look_ahead"]["cuts"],
        warm_up=manifest.extra["warm_up"],
        code_version=manifest.code_version,
    )


def judge_features(
    desk: Desk, symbol: Symbol, month: Month, features: FeatureSet = CORE
) -> tuple[Finding, ...]:
    """Check a partition as it stands on disk: finite, and the very rows that were proven causal.

    That proof was made before publishing and stands in the manifest. Here the rows are computed
    again from the current bars by the current code, and must have the same bits.

    Raises:
        MissingPartition: if features or bars are not there.
        CorruptFile: if a file is damaged.
    """
    manifest = desk.tables.require(features.table, symbol, month)
    stored = desk.tables.read_manifest(manifest)
    bars = _bars_behind(desk, symbol, month, features.warm_up)
    frame = _frame(desk, bars, anchor(month, features.warm_up))
    fresh = _compute(desk, symbol, features)(frame).filter(between(month.start, month.end))
    odd = [name for name in fresh.columns if not _same_bits(stored, fresh, name)]
    proof = manifest.extra["look_ahead"]
    endless = _not_finite(stored)
    return (
        Finding(
            "is_finite",
            passed=not endless,
            detail=f"not finite: {', '.join(endless)}"
            if endless
            else f"{manifest.extra['incomplete_rows']} rows wait for their warm-up",
            metadata={"incomplete_rows": manifest.extra["incomplete_rows"]},
        ),
        Finding(
            "knows_no_future",
            passed=not odd and proof["leaks"] == 0,
            detail=f"{', '.join(odd)}: not what the current bars and code give"
            if odd
            else f"proven at {proof['cuts']} random cuts; the rows on disk are the proven ones",
            metadata={**proof, "warm_up": manifest.extra["warm_up"]},
        ),
    )


def look_ahead(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    features: FeatureSet = CORE,
    *,
    cuts: int,
    seed: int,
) -> list[Leak]:
    """Search a month for look-ahead, with as many cuts as one likes; publishes nothing.

    Raises:
        MissingPartition: if the bars of the month are not there.
        DataError: if the symbol's source gives larger bars only.
    """
    bars = _bars_behind(desk, symbol, month, features.warm_up)
    require_bars_of(bars[-1], Timeframe.M5)
    frame = _frame(desk, bars, anchor(month, features.warm_up))
    return list(find_look_ahead(_compute(desk, symbol, features), frame, cuts=cuts, seed=seed))


def _bars_behind(
    desk: Desk, symbol: Symbol, month: Month, warm_up: timedelta
) -> tuple[Manifest, ...]:
    """Give the bars that rows of a month look at: its own, and those of months in the warm-up.

    A month of another source before it is as good as none.
    """
    own = desk.tables.require(_BARS, symbol, month)
    first = Month.of(anchor(month, warm_up))
    before = [
        desk.tables.current(_BARS, symbol, earlier)
        for earlier in months_between(first, month.shift(-1))
        if is_traded_in(desk.settings, symbol, earlier)
    ]
    source = own.extra.get("source")
    usable = [m for m in before if m is not None and m.extra.get("source") == source]
    return (*usable, own)


def _frame(desk: Desk, bars: Sequence[Manifest], start: Micros) -> pl.DataFrame:
    rows = pl.concat([desk.tables.read_manifest(manifest) for manifest in bars])
    return rows.filter(pl.col("ts") >= instant(start))


def _compute(desk: Desk, symbol: Symbol, features: FeatureSet) -> Compute:
    """Give the computation with the sessions that cut the symbol's larger bars."""
    return partial(features.compute, sessions=sessions_of_symbol(desk, symbol))


def _refuse_infinite(rows: pl.DataFrame, symbol: Symbol, month: Month) -> None:
    endless = _not_finite(rows)
    if endless:
        raise DataError(
            f"Features of {symbol} {month} are not finite",
            expected="finite values, or null before the warm-up",
            found=f"NaN or infinity in {', '.join(endless)}",
            fix="Nothing was published. Correct the formula.",
        )


def _refuse_look_ahead(
    compute: Compute, frame: pl.DataFrame, symbol: Symbol, month: Month, *, seed: int
) -> int:
    """Give the number of cuts at which nothing was found; 0 when there is nothing to cut."""
    if frame.height < 2 * MIN_CUTS:
        return 0  # the first hours of a history: no row is warm yet
    leaks = find_look_ahead(compute, frame, seed=seed)
    if leaks:
        raise DataError(
            f"Features of {symbol} {month} know the future",
            expected="rows that do not depend on later bars",
            found="; ".join(str(leak) for leak in leaks),
            fix="Nothing was published. Correct the formula.",
        )
    return MIN_CUTS


def _prove_warm_up(desk: Desk, symbol: Symbol, month: Month, features: FeatureSet) -> str:
    """Compute the month's first days with twice the warm-up, if there are bars for it."""
    twice = anchor(month, 2 * features.warm_up)
    frame = _frame(desk, _bars_behind(desk, symbol, month, 2 * features.warm_up), twice)
    if frame["ts"].to_physical()[0] >= twice + DAY:
        return "not proven here: history is shorter than twice the warm-up"
    short = find_short_warm_up(
        _compute(desk, symbol, features),
        frame.filter(pl.col("ts") < instant(month.start + _PROVEN_DAYS * DAY)),
        start=month.start,
        warm_up=features.warm_up,
    )
    if short:
        raise DataError(
            f"Features of {symbol} {month} need a longer warm-up",
            expected=f"values that {features.warm_up} of bars decide",
            found="; ".join(str(defect) for defect in short),
            fix="Nothing was published. Raise `warm_up_bars` of these features.",
        )
    return "proven: twice the warm-up changes nothing"


def _not_finite(rows: pl.DataFrame) -> list[str]:
    floats = rows.select(pl.col(pl.Float64))
    return [column.name for column in floats if not column.drop_nulls().is_finite().all()]


def _same_bits(stored: pl.DataFrame, fresh: pl.DataFrame, name: str) -> bool:
    if name not in stored.columns or stored.height != fresh.height:
        return False
    return not differing_rows(stored[name], fresh[name]).any()
