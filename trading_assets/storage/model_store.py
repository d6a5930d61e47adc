"""Models as immutable files: found through manifests, proven before they are parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import CorruptFile, MissingPartition
from trading_assets.domain.ids import Month, sha256_hex
from trading_assets.forecasting.booster import Booster, lightgbm_version
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.forecaster import Forecaster
from trading_assets.forecasting.load_probe import predictions_hash, probe_model
from trading_assets.forecasting.trainer import TrainedModel
from trading_assets.storage import pointers
from trading_assets.storage.verification import Verification, verify_files


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One version of the model of a month and horizon; the highest `n` is current.

    Attributes:
        model_id: hash of the document, which is the hash of everything a prediction depends on.
        inputs: hash of everything the training depended on; equal inputs are not trained twice.
        parents: version of every partition it learned from, by address.
        files: sha256 of every file by name; `document`, `booster` and `card` name some of them.
        probe: library version and predictions of the child process that loaded it first.
        summary: scores, confidence and counts, as the card shows them.
    """

    month: Month
    horizon: str
    n: int
    model_id: str
    inputs: str
    parents: Mapping[str, str]
    files: Mapping[str, str]
    document: str
    booster: str
    card: str
    probe: Mapping[str, str]
    summary: Mapping[str, Any]

    @property
    def address(self) -> str:
        """Name of the model for parent lists: `forecast_model/1h/2024-03`."""
        return model_address(self.horizon, self.month)


def model_address(horizon: str, month: Month | str) -> str:
    """Name the model of a horizon and month: `forecast_model/1h/2024-03`."""
    return f"forecast_model/{horizon}/{month}"


class ModelStore:
    """Models under one folder: `<root>/month=2024-03/`, with `model-1h-<n>.json` as manifests.

    A manifest appears after its files, and after a child process has loaded the model from them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(
        self,
        model: TrainedModel,
        *,
        inputs: str,
        parents: Mapping[str, str],
        card: Mapping[str, bytes],
        summary: Mapping[str, Any],
    ) -> tuple[StoredModel, bool]:
        """Make a model the current one of its month and horizon.

        Args:
            model: to be stored.
            inputs: hash of everything its training depended on.
            parents: version of every partition it learned from, by address.
            card: files by name, `card.md` among them; plain names without folders.
            summary: plain values.

        Returns:
            The current model, and whether it is new. Nothing is written when everything is that
            of the current one.

        Raises:
            ConflictError: if another writer published this model meanwhile.
            CorruptFile: if a child process cannot load what was written, or it says other things.
        """
        bundle = model.bundle
        folder, stem = self._folder(bundle.month), f"model-{bundle.horizon}"
        before = self.current(bundle.month, bundle.horizon)
        trees = model.booster_text.encode()
        contents = {
            "document": (f"bundle-{bundle.horizon}", ".json", bundle.document),
            "booster": (f"booster-{bundle.horizon}", ".txt", trees),
            **{name: _card_file(bundle.horizon, name, data) for name, data in card.items()},
        }
        paths = {
            key: pointers.write_immutable(folder, *content) for key, content in contents.items()
        }
        known = dict(before.probe) if before and before.model_id == bundle.model_id else None
        facts = {
            "model_id": bundle.model_id,
            "inputs": inputs,
            "parents": dict(parents),
            "files": {paths[key].name: sha256_hex(data) for key, (_, _, data) in contents.items()},
            "document": paths["document"].name,
            "booster": paths["booster"].name,
            "card": paths["card.md"].name,
            "probe": known or self._probed(paths["booster"], bundle.booster_sha256, trees),
            "summary": pointers.plain(summary),
        }
        if before is not None and _facts(before) == facts:
            return before, False
        payload = pointers.sealed(facts)
        pointers.publish_exclusive(folder, stem, payload, after=before.n if before else 0)
        return self.require(bundle.month, bundle.horizon), True

    def current(self, month: Month, horizon: str) -> StoredModel | None:
        """Give the current model of a month and horizon, or None when there is none."""
        pointer = pointers.current(self._folder(month), f"model-{horizon}")
        return self._stored(month, horizon, *pointer) if pointer else None

    def standing(self, month: Month, horizon: str, *, inputs: str) -> StoredModel | None:
        """Give the current model if it was trained from these inputs and its files are sound.

        Raises:
            CorruptFile: if one of them is damaged.
        """
        model = self.current(month, horizon)
        if model is None or model.inputs != inputs:
            return None
        paths = self._paths(model)
        if not all(path.exists() for path in paths):
            return None  # it is trained, and written, again
        for path, sha256 in paths.items():
            pointers.check_file(path, sha256)
        return model

    def require(self, month: Month, horizon: str) -> StoredModel:
        """Give the current model of a month and horizon.

        Raises:
            MissingPartition: if there is none.
        """
        model = self.current(month, horizon)
        if model is None:
            raise MissingPartition(
                f"There is no {horizon} model of {month}",
                expected=f"a manifest in {self._folder(month)}",
                found="none",
                fix=f"Materialise forecast_model for {month} first "
                f"(`trading-assets models train {month}`).",
            )
        return model

    def get(self, model_id: str) -> StoredModel:
        """Give a model by its id, also one that is no longer current.

        Raises:
            MissingPartition: if there is no such model.
        """
        for month in self.months():
            for name in self._folder(month).glob(f"bundle-*-{model_id[:16]}.json"):
                horizon = name.name.split("-")[1]
                for stored in reversed(self.history(month, horizon)):
                    if stored.model_id == model_id:
                        return stored
        raise MissingPartition(
            f"There is no model {model_id[:16]}",
            expected=f"its manifest under {self.root}",
            found="none",
            fix="Restore the models folder from a copy; a model that was traded is never deleted.",
        )

    def history(self, month: Month, horizon: str) -> tuple[StoredModel, ...]:
        """List every version of a model, oldest first."""
        return tuple(
            self._stored(month, horizon, n, payload)
            for n, payload in pointers.history(self._folder(month), f"model-{horizon}")
        )

    def months(self) -> tuple[Month, ...]:
        """List the months that have models, in order."""
        if not self.root.is_dir():
            return ()
        return tuple(
            sorted(
                Month.from_text(p.name.removeprefix("month=")) for p in self.root.glob("month=*")
            )
        )

    def horizons(self, month: Month) -> tuple[str, ...]:
        """List the horizons that a month has models of, sorted."""
        found = self._folder(month).glob("model-*-*.json")
        return tuple(sorted({path.name.split("-")[1] for path in found}))

    def load(self, model: StoredModel) -> Forecaster:
        """Load a model: hash its files, let a child process go first, then load it here.

        The child is left out when one with this version of LightGBM has loaded the same bytes
        before. Either way the model loaded here must say what the child's said, to the bit.

        Raises:
            CorruptFile: if a file is missing or altered, cannot be loaded, or says other things.
        """
        folder = self._folder(model.month)
        document = pointers.read_verified(folder / model.document, model.files[model.document])
        trees = pointers.read_verified(folder / model.booster, model.files[model.booster])
        probe = dict(model.probe)
        if probe["lightgbm"] != lightgbm_version():
            probe = self._probed(folder / model.booster, model.files[model.booster], trees)
        else:
            _check_predictions(folder / model.booster, probe["predictions"], trees)
        forecaster = Forecaster.from_model_text(document, trees.decode())
        if forecaster.model_id != model.model_id:
            raise CorruptFile(
                f"{folder / model.document} is another model",
                expected=model.model_id,
                found=forecaster.model_id,
            )
        return forecaster

    def bundle(self, model: StoredModel) -> ModelBundle:
        """Read a model's document, proven; nothing is loaded that could predict.

        Raises:
            CorruptFile: if it is missing or altered.
        """
        return ModelBundle.from_document(self.read(model, model.document))

    def read(self, model: StoredModel, name: str) -> bytes:
        """Read one file of a model, proven.

        Raises:
            CorruptFile: if it is missing or altered.
        """
        return pointers.read_verified(self._folder(model.month) / name, model.files[name])

    def path(self, model: StoredModel, name: str) -> Path:
        """Give the place of one file of a model."""
        return self._folder(model.month) / name

    def verify(self) -> Verification:
        """Hash every file of every version again."""
        files: dict[Path, str] = {}
        faults: list[CorruptFile] = []
        for path in sorted(self.root.glob("month=*/model-*.json")):
            try:
                facts = pointers.unsealed(path.read_bytes(), path.parent)
            except CorruptFile as fault:
                faults.append(fault)
            else:
                files |= {path.parent / name: sha for name, sha in facts["files"].items()}
        return verify_files(files, faults, lambda: files)  # models are never removed

    def _folder(self, month: Month) -> Path:
        return self.root / f"month={month}"

    def _paths(self, model: StoredModel) -> dict[Path, str]:
        return {self._folder(model.month) / name: sha for name, sha in model.files.items()}

    def _stored(self, month: Month, horizon: str, n: int, payload: bytes) -> StoredModel:
        facts = pointers.unsealed(payload, self._folder(month))
        return StoredModel(month=month, horizon=horizon, n=n, **facts)

    @staticmethod
    def _probed(path: Path, sha256: str, trees: bytes) -> dict[str, str]:
        """Load a file in a child process, then here, and compare what they say."""
        predictions = probe_model(path, sha256)
        _check_predictions(path, predictions, trees)
        return {"lightgbm": lightgbm_version(), "predictions": predictions}


def _check_predictions(path: Path, expected: str, trees: bytes) -> None:
    found = predictions_hash(Booster(trees.decode()))
    if found != expected:
        raise CorruptFile(
            f"Model file {path} predicts differently than when it was first loaded",
            expected=f"predictions {expected}",
            found=f"predictions {found}",
            fix="Compare the machine and the libraries with those of the training.",
        )


def _card_file(horizon: str, name: str, data: bytes) -> tuple[str, str, bytes]:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}-{horizon}", f".{suffix}", data


def _facts(model: StoredModel) -> dict[str, Any]:
    names = ("model_id", "inputs", "parents", "files", "document", "booster", "card", "probe")
    return {name: getattr(model, name) for name in (*names, "summary")}
