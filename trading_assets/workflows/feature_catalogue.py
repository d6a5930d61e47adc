"""The catalogue of features: what each column is, where it comes from, and when it is warm."""

from __future__ import annotations

from typing import Any

from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.formula import COLUMNS as BAR_COLUMNS
from trading_assets.features.formula import FUNCTIONS

COLUMNS = ("name", "formula", "bars", "warm_up_bars", "warm_up", "source", "set", "version")


def catalogue_rows(features: FeatureSet) -> list[dict[str, Any]]:
    """Give one row of plain values per feature, with the fields of COLUMNS.

    `source` is the paper or book that the measure comes from; `version` is the set's own.
    """
    return [
        {
            "name": feature.name,
            "formula": feature.formula,
            "bars": feature.source.value,
            "warm_up_bars": feature.warm_up_bars,
            "warm_up": str(feature.warm_up),
            "source": feature.reference,
            "set": features.name,
            "version": features.version,
        }
        for feature in features.features
    ]


def catalogue_page(features: FeatureSet) -> str:
    """Give the table of a set as it stands in docs/features.md."""
    head = ("column", "formula", "bars", "warm-up", "source")
    rows = [
        (f"`{row['name']}`", f"`{row['formula']}`", row["bars"], row["warm_up"], row["source"])
        for row in catalogue_rows(features)
    ]
    lines = [
        f"### `{features.name}`, version {features.version}",
        "",
        f"Table `{features.table}`: {len(rows)} columns, warm-up {features.warm_up}.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines)


def formula_words() -> str:
    """List what formulas are made of, as docs/features.md says it."""
    functions = [
        f"`{name}({', '.join(['x', 'y', 'z'][: f.series] + ['n', 'm'][: f.windows])})`"
        for name, f in FUNCTIONS.items()
    ]
    columns = ", ".join(f"`{name}`" for name in BAR_COLUMNS)
    return f"Columns: {columns}. Functions: {', '.join(functions)}."
