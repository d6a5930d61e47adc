"""The feature sets of this desk: shipped ones, the user's, and the one that models learn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.registry import feature_sets
from trading_assets.settings import Settings
from trading_assets.workflows.declared_names import declared_as

SCALE = "volatility_1d"
"""Column that `forecasting.sample` scales returns by; the graph starts without that module."""


def list_sets(settings: Settings) -> Mapping[str, FeatureSet]:
    """Give every set by name, the shipped ones first.

    Raises:
        ConfigurationError: if a declared one cannot be read, or has the name of a shipped one.
    """
    return feature_sets(settings.feature_sets)


def find_set(settings: Settings, name: str) -> FeatureSet:
    """Give one set.

    Raises:
        ConfigurationError: if there is none of that name; or as `list_sets`.
    """
    fix = "`trading-assets features catalogue` lists them."
    return declared_as(name, list_sets(settings), "feature set", fix=fix)


def model_set(settings: Settings) -> FeatureSet:
    """Give the set that models learn from.

    Raises:
        ConfigurationError: if `model.feature_set` names none, or one without the column that
            returns are scaled by.
    """
    chosen = find_set(settings, settings.model.feature_set)
    if SCALE not in chosen.columns:
        raise ConfigurationError(
            f"Models cannot learn from feature set {chosen.name}",
            expected=f"a column {SCALE}, which returns are scaled by",
            found=", ".join(chosen.columns),
            fix=f'Add {SCALE} = "realised_volatility(close, 288)" to the set.',
        )
    return chosen


def set_of_code(settings: Settings, code_version: str) -> FeatureSet | None:
    """Give the set that computes what a model was trained on, if this desk still has it."""
    sets = list_sets(settings).values()
    return next((one for one in sets if one.code_version == code_version), None)


def set_of_pin(settings: Settings, pin: Mapping[str, Any]) -> FeatureSet:
    """Give the set of a pinned model; that of the models, where its code is no longer here."""
    code_version = str(pin.get("features_code_version", ""))
    return set_of_code(settings, code_version) or model_set(settings)
