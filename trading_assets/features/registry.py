"""Feature sets by name: those shipped, and those that settings declare as formulas."""

from __future__ import annotations

from collections.abc import Mapping

from trading_assets.declarations.feature_sets import FeatureSetDeclaration
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.features.core import CORE
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.formula import feature_from_formula
from trading_assets.features.momentum import MOMENTUM

SHIPPED: Mapping[str, FeatureSet] = {CORE.name: CORE, MOMENTUM.name: MOMENTUM}


def feature_sets(declared: Mapping[str, FeatureSetDeclaration]) -> Mapping[str, FeatureSet]:
    """Give every set by name, the shipped ones first.

    Raises:
        ConfigurationError: if a declared set has the name of a shipped one, or a formula that
            cannot be read.
    """
    taken = [name for name in declared if name in SHIPPED]
    if taken:
        raise ConfigurationError(
            f"Feature set {taken[0]} is shipped",
            expected=f"a name other than {', '.join(SHIPPED)}",
            found=f"[feature_sets.{taken[0]}]",
            fix="Give the set a name of its own.",
        )
    return {**SHIPPED, **{name: _declared(name, said) for name, said in declared.items()}}


def _declared(name: str, said: FeatureSetDeclaration) -> FeatureSet:
    where = f"[feature_sets.{name}]"
    features = tuple(
        feature_from_formula(
            column, one.formula, Timeframe(one.bars), reference=one.reference, where=where
        )
        for column, one in said.features.items()
    )
    return FeatureSet(name, said.version, Timeframe.M5, features)
