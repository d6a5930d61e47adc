"""Feature sets of the user's own, as settings declare them: formulas by column."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from trading_assets.declarations.declaration import Declaration

_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,39}")


class FeatureDeclaration(Declaration):
    """One column: its formula, the size of the bars that it counts, and where it comes from."""

    formula: str = Field(min_length=1)
    bars: Literal["5m", "15m", "1h", "1d"] = "5m"
    reference: str = ""


class FeatureSetDeclaration(Declaration):
    """One `[feature_sets.<name>]`: a version, and features by column.

    A feature is a table, or its formula alone.
    """

    version: int = Field(ge=1)
    features: dict[str, FeatureDeclaration] = Field(min_length=1)

    @field_validator("features", mode="before")
    @classmethod
    def _formulas_alone_are_features(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: {"formula": v} if isinstance(v, str) else v for k, v in value.items()}

    @field_validator("features")
    @classmethod
    def _columns_are_named(
        cls, value: dict[str, FeatureDeclaration]
    ) -> dict[str, FeatureDeclaration]:
        for name in value:
            if not _COLUMN.fullmatch(name):
                raise ValueError("columns of lower-case letters, digits and _, at most 40")
        return value
