"""Experiments as a person compares them: the one home of MLflow, a view and never the truth."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.storage import mlflow_pages, mlflow_views
from trading_assets.storage.mlflow_values import absolute_uri, as_texts, split_metrics, unquoted
from trading_assets.storage.mlflow_writing import DatasetInput, log_datasets, log_file, log_values
from trading_assets.storage.roots import make_folder
from trading_assets.storage.source_state import source_state

_EXPERIMENT = re.compile(r"ta/[a-z0-9_]+/(train|backtest|live)")
_REGISTERED = re.compile(r"ta\.[a-z0-9_]+\.[a-z0-9_]+")
_KEY_LENGTH = 12
_ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"
_TRAINING_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Else MLflow takes an experiment without traces for one of chats, and asks what it is."""

MLFLOW_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
}
"""What any process that imports MLflow must have in its environment first."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run in MLflow, and its page in the UI."""

    run_id: str
    url: str


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a registered model."""

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Experiments:
    """Runs, models and aliases in one SQLite file, artefacts beside it.

    Nothing is imported, opened or created before the first call, and no address depends on the
    working folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        ui_url: str = "http://127.0.0.1:5000",
        tracking_uri: str | None = None,
    ) -> None:
        self.root = root.absolute()
        self.tracking_uri = absolute_uri(tracking_uri or f"sqlite:///{self.root / 'mlflow.db'}")
        self.artifact_root = self.root / "artifacts"
        self.ui_url = ui_url.rstrip("/")

    def prepare(self) -> None:
        """Create the database if it is not there; the first time takes seconds."""
        _ = self._client

    def log_run(
        self,
        experiment: str,
        run_name: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float | None] | None = None,
        tags: Mapping[str, str] | None = None,
        artifacts: Mapping[str, Path] | None = None,
        curves: Mapping[str, Sequence[tuple[int, float]]] | None = None,
        datasets: Sequence[DatasetInput] = (),
        tables: Mapping[str, Mapping[str, Sequence[Any]]] | None = None,
    ) -> LoggedRun:
        """Log one finished run.

        Args:
            experiment: `ta/<family>/train`, `.../backtest` or `.../live`.
            run_name: for people; may be anything.
            params: plain values; longer than 500 characters are cut (keep the whole configuration
                as an artefact).
            metrics: None, NaN and infinities cannot be drawn: they become a tag `metric.<name>`.
            tags: those that join the run to the graph; a run is found again by them. The commit
                of the running code is added.
            artifacts: path inside the run to a local file.
            curves: points by metric, thinned out to 300, the last one kept.
            datasets: at most ten are shown well.
            tables: file name (`.json`) to columns of plain values, for the view of tables.

        Raises:
            ConfigurationError: if the experiment has another form of name.
        """
        finite, odd = split_metrics(metrics or {})
        with _quiet():
            client = self._client
            run = client.create_run(
                self._experiment_id(experiment),
                run_name=run_name,
                tags=as_texts({**source_state(), **(tags or {}), **odd}),
            )
            run_id = str(run.info.run_id)
            try:
                log_values(client, run_id, run.info.start_time, params or {}, finite, curves or {})
                log_datasets(client, run_id, datasets)
                for name, path in (artifacts or {}).items():
                    log_file(client, run_id, name, path)
                for name, columns in (tables or {}).items():
                    client.log_table(run_id, dict(columns), name)
            except BaseException:
                client.set_terminated(run_id, status="FAILED")
                raise
            client.set_terminated(run_id)
        return self._logged(run)

    def add_to_run(
        self,
        run: LoggedRun,
        *,
        at: Micros,
        metrics: Mapping[str, float | None] | None = None,
        tags: Mapping[str, str] | None = None,
        artifacts: Mapping[str, Path] | None = None,
        curves: Mapping[str, Sequence[tuple[int, float]]] | None = None,
        datasets: Sequence[DatasetInput] = (),
    ) -> None:
        """Add what became known of a finished run later, at an instant.

        Of a metric the value of the highest step counts, and of one step the latest.
        """
        finite, odd = split_metrics(metrics or {})
        with _quiet():
            client = self._client
            log_values(client, run.run_id, at // 1000, {}, finite, curves or {})
            for name, text in as_texts({**(tags or {}), **odd}).items():
                client.set_tag(run.run_id, name, text)
            for name, path in (artifacts or {}).items():
                log_file(client, run.run_id, name, path)
            log_datasets(client, run.run_id, datasets)

    def mark_newest(self, experiment: str, run: LoggedRun, strategy_id: str) -> None:
        """Let this run, and no other, stand for its strategy in the view that compares them."""
        marked = f"tags.`strategy.id` = '{unquoted(strategy_id)}' and tags.newest = 'yes'"
        with _quiet():
            client = self._client
            for other in client.search_runs([self._experiment_id(experiment)], marked):
                if other.info.run_id != run.run_id:
                    client.set_tag(other.info.run_id, mlflow_views.NEWEST, "no")
            client.set_tag(run.run_id, mlflow_views.NEWEST, "yes")

    def keep_trials_view(
        self, experiment: str, parent: LoggedRun, params: Sequence[str], metrics: Sequence[str]
    ) -> str:
        """Keep a view of a parent's trials, and give its address.

        Args:
            experiment: that has the parent and its trials.
            parent: the sweep.
            params: that vary.
            metrics: what is compared; see `mlflow_views.trials_view`.
        """
        key = parent.run_id[:_KEY_LENGTH]
        with _quiet():
            number = self._experiment_id(experiment)
            view = mlflow_views.trials_view(parent.run_id, params, metrics)
            self._client.set_experiment_tag(number, mlflow_views.view_tag(key), view)
        return mlflow_views.trials_url(self.ui_url, number, key)

    def find_run(self, experiment: str, tags: Mapping[str, str]) -> LoggedRun | None:
        """Give the newest finished run that has all these tags, or None."""
        clauses = [f"tags.`{unquoted(k)}` = '{unquoted(v)}'" for k, v in sorted(tags.items())]
        with _quiet():
            found = self._client.search_runs(
                [self._experiment_id(experiment)],
                filter_string=" and ".join([*clauses, "attributes.status = 'FINISHED'"]),
                max_results=1,
            )
        return self._logged(found[0]) if found else None

    def pages(self, run_ids: Collection[str]) -> Mapping[str, str]:
        """Give the pages of stored runs by their id; MLflow is not loaded, see `mlflow_pages`."""
        return mlflow_pages.run_pages(self.tracking_uri, self.ui_url, run_ids)

    def log_model(
        self,
        run: LoggedRun,
        booster_text: str,
        features: Sequence[str],
        *,
        name: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Log a LightGBM model with signature and pinned requirements; give its MLflow address.

        The copy is for people and for the registry: nothing here ever loads it again.
        """
        from importlib.metadata import version

        from trading_assets.forecasting.booster import lightgbm

        booster = lightgbm().Booster(model_str=booster_text)
        pinned = [f"{package}=={version(package)}" for package in ("lightgbm", "numpy")]
        with _quiet():
            client = self._client
            import mlflow
            import numpy as np
            from mlflow.models import ModelSignature
            from mlflow.types import ColSpec, Schema, TensorSpec

            signature = ModelSignature(
                inputs=Schema([ColSpec("double", feature) for feature in features]),
                outputs=Schema([TensorSpec(np.dtype(np.float64), (-1,))]),
            )
            mlflow.set_tracking_uri(self.tracking_uri)
            mlflow.set_registry_uri(self.tracking_uri)
            # Made here, where its experiment is known: MLflow would take the active one.
            model = client.create_logged_model(
                client.get_run(run.run_id).info.experiment_id, name, source_run_id=run.run_id
            )
            info = mlflow.lightgbm.log_model(
                booster,
                name=name,
                run_id=run.run_id,
                model_id=model.model_id,
                signature=signature,
                pip_requirements=pinned,
                metadata=dict(metadata or {}),
            )
        return str(info.model_uri)

    def register(
        self, name: str, run: LoggedRun, *, source: str, tags: Mapping[str, str] | None = None
    ) -> RegisteredVersion:
        """Make a new version of a registered model.

        Args:
            name: `ta.<family>.<market>`.
            run: that made it.
            source: address of the model (`log_model`), or of a run's artefact
                (`runs:/<run id>/<path>`) where the model is a rule.
            tags: of the version.

        Raises:
            ConfigurationError: if the name has another form.
        """
        if not _REGISTERED.fullmatch(name):
            raise ConfigurationError(
                "Not the name of a registered model",
                expected="ta.<family>.<market>, of a-z, 0-9 and _",
                found=repr(name)[:80],
            )
        with _quiet():
            self._create_registered(name)
            version = self._client.create_model_version(
                name,
                source,
                run_id=run.run_id,
                tags=as_texts(tags or {}),
                await_creation_for=0,
                model_id=source.removeprefix("models:/")
                if source.startswith("models:/m-")
                else None,
            )
        return _registered(version)

    def move_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias (`challenger`, `champion`, `previous`) name this version from now on."""
        with _quiet():
            self._client.set_registered_model_alias(name, alias, version)

    def remove_alias(self, name: str, alias: str) -> None:
        """Let an alias name nothing any more."""
        with _quiet():
            self._client.delete_registered_model_alias(name, alias)

    def tag_version(self, version: RegisteredVersion, tags: Mapping[str, str]) -> None:
        """Set tags of a version where they are others now."""
        with _quiet():
            for name, text in as_texts(tags).items() - version.tags.items():
                self._client.set_model_version_tag(version.name, version.version, name, text)

    def aliases(self, pattern: str) -> dict[tuple[str, str], RegisteredVersion]:
        """Give (model, alias) -> version of all models whose name fits a pattern with `%`."""
        with _quiet():
            client = self._client
            models = client.search_registered_models(f"name LIKE '{unquoted(pattern)}'")
            return {
                (model.name, alias): _registered(client.get_model_version(model.name, version))
                for model in models
                for alias, version in model.aliases.items()
            }

    def alias(self, name: str, alias: str) -> RegisteredVersion | None:
        """Give the version that an alias names, or None."""
        with _quiet():
            from mlflow.exceptions import MlflowException

            try:
                return _registered(self._client.get_model_version_by_alias(name, alias))
            except MlflowException as missing:
                if missing.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                    return None
                raise

    def find_version(self, name: str, tags: Mapping[str, str]) -> RegisteredVersion | None:
        """Give the newest version of a registered model that has all these tags, or None."""
        with _quiet():
            versions = self._client.search_model_versions(f"name = '{unquoted(name)}'")
        fitting = [v for v in versions if as_texts(tags).items() <= v.tags.items()]
        newest = max(fitting, key=lambda v: int(v.version), default=None)
        return None if newest is None else _registered(newest)

    @cached_property
    def _client(self) -> Any:
        make_folder(self.artifact_root)
        os.environ.update(MLFLOW_ENVIRONMENT)
        # Else MLflow's own experiment "Default" keeps its files in the working folder.
        os.environ[_ARTIFACT_ROOT] = self.artifact_root.as_uri()
        with _quiet():
            from mlflow import MlflowClient

            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.WARNING)
            # Processes that meet at an empty database would both create its tables.
            with (self.root / "mlflow.lock").open("w") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                return MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)

    def _experiment_id(self, name: str) -> str:
        if not _EXPERIMENT.fullmatch(name):
            raise ConfigurationError(
                "Not the name of an experiment",
                expected="ta/<family>/train, ta/<family>/backtest or ta/<family>/live",
                found=repr(name)[:80],
            )
        from mlflow.exceptions import MlflowException

        client = self._client
        known = client.get_experiment_by_name(name)
        if known is None:
            place = (self.artifact_root / name).as_uri()
            try:
                client.create_experiment(name, artifact_location=place, tags=_TRAINING_KIND)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise  # else another process was faster
            known = client.get_experiment_by_name(name)
        view, tag = mlflow_views.strategies_view(), mlflow_views.view_tag(mlflow_views.STRATEGIES)
        if known.tags.get(tag) != view and name.endswith("/backtest"):
            client.set_experiment_tag(known.experiment_id, tag, view)
        return str(known.experiment_id)

    def _create_registered(self, name: str) -> None:
        """Create a registered model, unless it is there already."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _logged(self, run: Any) -> LoggedRun:
        experiment, run_id = run.info.experiment_id, str(run.info.run_id)
        return LoggedRun(run_id, mlflow_pages.run_page(self.ui_url, experiment, run_id))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what MLflow's own parts warn each other about from the user; our warnings stay."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mlflow|sqlalchemy|alembic)(\.|$)")
        yield


def _registered(version: Any) -> RegisteredVersion:
    return RegisteredVersion(
        str(version.name), str(version.version), str(version.run_id), dict(version.tags)
    )
