"""Compute one month of features, prove that they know no future, and publish them."""

from __future__ import annotations

from functools import partial

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.anchor import anchor
from trading_assets.features.core import CORE
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.look_ahead import Leak, differing_rows, find_look_ahead
from trading_assets.market.bar_frame import between
from trading_assets.workflows.bars_behind import bars_behind, frame_from, source_of
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.month_proofs import (
    Compute,
    Finding,
    prove_no_look_ahead,
    warm_up_proof,
)
from trading_assets.workflows.native_tables import require_bars_of
from trading_assets.workflows.published import Published

FEATURES = CORE.table
_BARS = bars_table(Timeframe.M5)


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
    bars = bars_behind(desk, _BARS, symbol, month, features.warm_up)
    parents = {manifest.address: manifest.version for manifest in bars}
    manifest = desk.tables.standing(
        features.table, symbol, month, code_version=features.code_version, parents=parents
    )
    changed = False
    if manifest is None or manifest.gaps != bars[-1].gaps:
        frame = frame_from(desk, bars, anchor(month, features.warm_up))
        compute = _compute(desk, symbol, features)
        rows = compute(frame).filter(between(month.start, month.end))
        _refuse_infinite(rows, symbol, month)
        proof = prove_no_look_ahead(
            compute,
            frame,
            f"Features of {symbol} {month}",
            seed=desk.settings.model.seed,
            fix="Correct the formula.",
        )
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
                "source": source_of(desk.settings, bars[-1], symbol),
                "feature_set": features.name,
                "feature_set_version": features.version,
                "incomplete_rows": rows.height - rows.drop_nulls().height,
                "look_ahead": proof,
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
    bars = bars_behind(desk, _BARS, symbol, month, features.warm_up)
    frame = frame_from(desk, bars, anchor(month, features.warm_up))
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
    bars = bars_behind(desk, _BARS, symbol, month, features.warm_up)
    require_bars_of(bars[-1], Timeframe.M5)
    frame = frame_from(desk, bars, anchor(month, features.warm_up))
    return list(find_look_ahead(_compute(desk, symbol, features), frame, cuts=cuts, seed=seed))


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


def _prove_warm_up(desk: Desk, symbol: Symbol, month: Month, features: FeatureSet) -> str:
    """Say whether twice the warm-up changes nothing; refuse it where it does."""
    bars = bars_behind(desk, _BARS, symbol, month, 2 * features.warm_up)
    frame = frame_from(desk, bars, anchor(month, 2 * features.warm_up))
    told, short = warm_up_proof(_compute(desk, symbol, features), frame, month, features.warm_up)
    if short:
        raise DataError(
            f"Features of {symbol} {month} need a longer warm-up",
            expected=f"values that {features.warm_up} of bars decide",
            found="; ".join(str(defect) for defect in short),
            fix="Nothing was published. Raise `warm_up_bars` of these features.",
        )
    return told


def _not_finite(rows: pl.DataFrame) -> list[str]:
    floats = rows.select(pl.col(pl.Float64))
    return [column.name for column in floats if not column.drop_nulls().is_finite().all()]


def _same_bits(stored: pl.DataFrame, fresh: pl.DataFrame, name: str) -> bool:
    if name not in stored.columns or stored.height != fresh.height:
        return False
    return not differing_rows(stored[name], fresh[name]).any()
