"""What two tables of bars say differently, by minute: versions, sources, files of a vendor."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Symbol
from trading_assets.market.bar_frame import AMOUNTS, PRICES

VALUES = (*PRICES, *AMOUNTS)
"""Columns that are compared."""

OLD, NEW = "_old", "_new"
"""Endings of the columns that hold the two values."""


def differences(
    old: pl.DataFrame,
    new: pl.DataFrame,
    *,
    relative_tolerance: float = 0.0,
    columns: Collection[str] = VALUES,
) -> pl.DataFrame:
    """List the minutes that two tables do not have in common.

    Args:
        old: bars with unique `ts`; columns that are not in both, or null in all rows of one, are
            not compared.
        new: the same.
        relative_tolerance: values this close, relative to the larger one, are equal.
        columns: which of `VALUES` to compare.

    Returns:
        One row per minute, in order of time: `ts`, `change` (added, removed or changed), and for
        each compared column its old and new value, such as `close_old` and `close_new`; null where
        the minute is not there.
    """
    given = [name for name in VALUES if _is_given(old, name) and _is_given(new, name)]
    names = [name for name in given if name in columns]
    joined = old.select("ts", *(pl.col(n).alias(n + OLD) for n in names), in_old=True).join(
        new.select("ts", *(pl.col(n).alias(n + NEW) for n in names), in_new=True),
        on="ts",
        how="full",
        coalesce=True,
    )
    other = pl.any_horizontal(
        pl.lit(value=False), *(_differs(name, relative_tolerance) for name in names)
    )
    change = (
        pl.when(pl.col("in_old").is_null())
        .then(pl.lit("added"))
        .when(pl.col("in_new").is_null())
        .then(pl.lit("removed"))
        .when(other)
        .then(pl.lit("changed"))
    )
    ordered = [f"{name}{end}" for name in names for end in (OLD, NEW)]
    found = joined.with_columns(change.alias("change")).filter(pl.col("change").is_not_null())
    return found.sort("ts").select("ts", "change", *ordered)


def difference_text(row: dict[str, Any]) -> str:
    """Write one row of `differences` in words: `2021-04-22 02:09: close 52878.14, now 52861.74`."""
    moment = f"{row['ts']:%Y-%m-%d %H:%M}"
    if row["change"] != "changed":
        return f"{moment}: {row['change']}"
    names = [name.removesuffix(OLD) for name in row if name.endswith(OLD)]
    parts = [
        f"{name} {row[name + OLD]}, now {row[name + NEW]}"
        for name in names
        if row[name + OLD] != row[name + NEW]
    ]
    return f"{moment}: {'; '.join(parts)}"


def with_repairs(listed: pl.DataFrame, repairs: pl.DataFrame, symbol: Symbol) -> pl.DataFrame:
    """Take from other files of a vendor the minutes that its listed ones lack, and no others.

    Args:
        listed: decoded rows of the listed objects, with their repetitions.
        repairs: decoded rows of the others.
        symbol: for messages.

    Returns:
        The listed rows, and then the missing ones.

    Raises:
        DataError: if the files give different values for one minute; naming it and both values.
    """
    once = listed.unique("ts", keep="first", maintain_order=True)
    theirs = repairs.unique(maintain_order=True)
    both = theirs.join(once.select("ts"), on="ts", how="semi")
    found = differences(once.join(both.select("ts"), on="ts", how="semi"), both)
    if found.height:
        rows = found.head(4).iter_rows(named=True)
        raise DataError(
            f"Bars of {symbol}: two files of the vendor disagree",
            expected="the same values for a minute that both have",
            found=f"{found.height} minutes: " + " | ".join(map(difference_text, rows)),
            fix="Nothing was published. Fetch the month again with --refresh; if they still "
            "disagree, ask the vendor which one holds.",
        )
    lacking = theirs.join(once.select("ts"), on="ts", how="anti")
    return pl.concat([listed, lacking], how="diagonal")


def _is_given(frame: pl.DataFrame, name: str) -> bool:
    return name in frame.columns and (frame.is_empty() or frame[name].null_count() < frame.height)


def _differs(name: str, relative_tolerance: float) -> pl.Expr:
    old, new = pl.col(name + OLD), pl.col(name + NEW)
    if not relative_tolerance:
        return old.ne_missing(new)
    slack = relative_tolerance * pl.max_horizontal(old.abs(), new.abs())
    return ((old - new).abs() > slack).fill_null(old.is_null() != new.is_null())
