"""Models as a release pins them: chosen once, by id, and copied with their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.ids import Micros, Month
from trading_assets.storage.model_store import StoredModel
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.desk import Desk


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """One model inside a release.

    Attributes:
        facts: id, month and the names of its files in the bundle, as plain values.
        files: path inside the bundle to content.
    """

    horizon: str
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


def choose_models(desk: Desk, spec: AnySpec, *, until: Micros) -> dict[str, str]:
    """Give the models that a release would pin: horizon -> model id.

    It is the newest one of a month that begins at most one month after the last bar of the run: a
    later one would have learned from data that the decision does not know. A horizon without such
    a model is left out; without one that is needed, nothing is there.

    Args:
        desk: holds the models.
        spec: whose strategies name the horizons.
        until: open time of the last bar of its run.
    """
    newest = Month.of(until).shift(1)
    months = [month for month in reversed(desk.models.months()) if month <= newest]
    found = {}
    for horizon in needed_horizons(spec):
        models = (desk.models.current(month, horizon) for month in months)
        model = next((model for model in models if model is not None), None)
        if model is not None:
            found[horizon] = model.model_id
    return found


def needed_horizons(spec: AnySpec) -> tuple[str, ...]:
    """List the horizons of the forecasts that the strategies of a spec follow."""
    found = (part.build_strategy().horizon for part in spec.parts)
    return tuple(dict.fromkeys(horizon for horizon in found if horizon is not None))


def load_pins(desk: Desk, models: Mapping[str, str]) -> tuple[PinnedModel, ...]:
    """Read the files of models, every byte proven, and the whole model loaded once.

    Raises:
        MissingPartition: if a model is gone.
        CorruptFile: if a file of it is damaged, or it predicts otherwise than when it was trained.
    """
    return tuple(_pinned(desk, desk.models.get(model_id)) for _, model_id in sorted(models.items()))


def _pinned(desk: Desk, model: StoredModel) -> PinnedModel:
    forecaster = desk.models.load(model)
    folder = f"models/{model.horizon}"
    names = {
        "document": (f"{folder}/document.json", model.document),
        "booster": (f"{folder}/booster.txt", model.booster),
        "card": (f"{folder}/card.md", model.card),
    }
    facts = {
        "model_id": model.model_id,
        "month": str(model.month),
        "features_code_version": forecaster.bundle.features_code_version,
        **{role: name for role, (name, _) in names.items()},
    }
    files = {name: desk.models.read(model, stored) for name, stored in names.values()}
    return PinnedModel(model.horizon, facts, files)
