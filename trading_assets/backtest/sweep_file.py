"""A sweep as a YAML file of its own: which spec, what is varied, how, and the folds in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from trading_assets.backtest.plan import BATCH, Folds, Plan
from trading_assets.backtest.space import Method, space_of
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import tag_from_text
from trading_assets.strategies.spec_sections import Section
from trading_assets.strategies.spec_yaml import configuration_error, yaml_of


class SweepSection(Section):
    """What is varied, and how; meaning: `backtest.plan.Plan`."""

    space: dict[str, Any] = Field(min_length=1)
    method: Method = "grid"
    trials: int = Field(default=0, ge=0)
    seed: int = 0
    metric: str = "sharpe"
    batch: int = BATCH
    processes: int = Field(default=1, ge=1, le=64)


class FoldsSection(Section):
    """Folds in time; meaning: `backtest.plan.Folds`."""

    train_days: int = Field(ge=1)
    test_days: int = Field(ge=1)
    step_days: int = Field(default=0, ge=0)
    purge_days: int = Field(default=0, ge=0)
    anchored: bool = False


class SweepFile(Section):
    """A sweep of the desk.

    Attributes:
        name: of the asset `sweep/<name>`.
        spec: name of a spec of the desk.
        sweep: what is varied.
        walk_forward: folds in which the best of `sweep` is tried on what comes after.
    """

    name: str
    description: str = ""
    spec: str
    sweep: SweepSection
    walk_forward: FoldsSection | None = None

    @property
    def plan(self) -> Plan:
        """How the sweep goes."""
        said = self.sweep
        return Plan(
            space_of(said.space), said.method, said.trials, said.seed, said.metric, said.batch
        )

    @property
    def folds(self) -> Folds | None:
        """The folds, when the file has any."""
        return None if self.walk_forward is None else Folds(**dict(self.walk_forward))


def load_sweep(path: Path) -> SweepFile:
    """Read a sweep file.

    Raises:
        ConfigurationError: naming the file, the key, what was expected and what was found.
    """
    try:
        found = SweepFile.model_validate(yaml_of(path))
    except ValidationError as error:
        raise configuration_error(error, str(path), SweepFile) from None
    tag_from_text(found.name)
    _ = found.plan, found.folds
    return found


def load_sweeps(folders: list[Path]) -> dict[str, SweepFile]:
    """Read every sweep file of the folders; give them by name.

    Raises:
        ConfigurationError: if a file is wrong, or a name is taken twice.
    """
    found: dict[str, SweepFile] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            sweep = load_sweep(path)
            if sweep.name in found:
                raise ConfigurationError(
                    f"{path}: name is taken", expected="a name of its own", found=sweep.name
                )
            found[sweep.name] = sweep
    return found
