"""What a model is: everything a prediction depends on, as one canonical document with one hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, canonical_json, sha256_hex
from trading_assets.forecasting.calibration import Calibration

_FORMAT = 2


@dataclass(frozen=True)
class ModelBundle:
    """A frozen model of one horizon, but for the trees themselves, which it names by hash.

    A prediction is `shrinkage * trees(features) * volatility * sqrt(bars of the horizon)`, where
    `volatility` is the feature called `scale`.

    Attributes:
        month: the first month it may predict; nothing after its start was known to it.
        features: names in the order of the trees' columns.
        features_code_version: of the feature set that computed them.
        dataset: Merkle hash of the partitions it learned from.
        params: how it was trained, for the record.
        shrinkage: share of the trees' forecast that past forecasts turned out to deserve, 0 to 1.
        calibration: None when its confidence was not better than a constant one.
        booster_sha256: of the trees' text.
    """

    month: Month
    horizon: str
    symbols: tuple[str, ...]
    features: tuple[str, ...]
    features_code_version: str
    scale: str
    dataset: str
    params: Mapping[str, Any]
    shrinkage: float
    calibration: Calibration | None
    booster_sha256: str
    code_version: str

    @cached_property
    def model_id(self) -> str:
        """SHA-256 of the canonical document."""
        return sha256_hex(self.document)

    @property
    def model_version(self) -> str:
        """Name for people, `2024-03-0a1b2c3d`: the month, and the beginning of the id."""
        return f"{self.month}-{self.model_id[:8]}"

    @cached_property
    def document(self) -> bytes:
        """The canonical document: sorted JSON, from which `from_document` makes an equal bundle."""
        return canonical_json({"format": _FORMAT, **asdict(self), "month": str(self.month)})

    @classmethod
    def from_document(cls, document: bytes) -> ModelBundle:
        """Read a document whose hash was checked.

        Raises:
            CorruptFile: if it is not such a document.
        """
        try:
            values = json.loads(document)
            if values["format"] != _FORMAT:
                raise CorruptFile(
                    "Model document is of another format",
                    expected=f"format {_FORMAT}",
                    found=f"format {values['format']}",
                    fix="Train the month again.",
                )
            calibration = values["calibration"]
            bundle = cls(
                **{name: values[name] for name in ("horizon", "scale", "dataset", "params")},
                **{name: values[name] for name in ("shrinkage", "booster_sha256", "code_version")},
                month=Month.from_text(values["month"]),
                symbols=tuple(values["symbols"]),
                features=tuple(values["features"]),
                features_code_version=values["features_code_version"],
                calibration=None
                if calibration is None
                else Calibration(
                    tuple(calibration["strengths"]),
                    tuple(calibration["probabilities"]),
                    calibration["base_rate"],
                    calibration["method"],
                ),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile("Not a model document", found=repr(error)[:200]) from None
        if bundle.document != document:
            raise CorruptFile(
                "Not a model document",
                expected="canonical JSON of a model's facts, and of nothing else",
                found=str(document[:60]),
            )
        return bundle
