"""Results of backtests: one immutable folder per run, a ledger per spec, and reproductions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Micros, sha256_hex, tag_from_text
from trading_assets.storage import folders, parquet_files, pointers

MANIFEST, METRICS, CHECKS = "manifest.json", "metrics.json", "checks.json"
_LEDGER, _REPRODUCTIONS = "run", "reproductions"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run as it stands in the store.

    Attributes:
        manifest: what went in and what came out, by hash.
        metrics: `all`, `oos` and the conventions; see `evaluation.performance`.
        checks: name, passed and detail of every check of this run.
    """

    spec: str
    run_id: str
    folder: Path
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    checks: tuple[Mapping[str, Any], ...]

    @property
    def result_hash(self) -> str:
        """SHA-256 over the tables and metrics of the run."""
        return str(self.manifest["result_hash"])

    def file(self, name: str) -> bytes:
        """Read one of its files, proven.

        Raises:
            CorruptFile: if it is not there as it was published.
        """
        return folders.read_file(self.folder, name)

    def table(self, name: str) -> pl.DataFrame:
        """Read one of its tables (`fills`, `orders`, `round_trips`, `equity`, ...)."""
        file = f"{name}.parquet"
        return parquet_files.decode(self.file(file), self.folder / file)

    def evidence(self) -> dict[str, str]:
        """Give file name -> `runs/<spec>/<run_id>/<file>#<sha256>`, as decisions quote it."""
        index = folders.read_index(self.folder)
        return {
            name: f"runs/{self.spec}/{self.run_id}/{name}#{sha256}"
            for name, sha256 in sorted(index.items())
        }


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A later run of the same inputs; `differing` names the files whose bytes were not equal."""

    n: int
    run_id: str
    differing: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every file was equal."""
        return not self.differing


class RunStore:
    """Runs under one folder: `<root>/<spec>/<run_id>/`, with `run-<n>.json` naming the current."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(
        self, spec: str, run_id: str, files: Mapping[str, bytes], *, is_current: bool = True
    ) -> tuple[StoredRun, Reproduction | None]:
        """Store a run and, unless told otherwise, make it the current one of its spec.

        When a run of this id is there already, nothing of it is touched: the new bytes are
        compared with the stored ones, and the comparison is recorded.

        Args:
            spec: name of the spec.
            run_id: identity of the inputs.
            files: with `manifest.json`, `metrics.json` and `checks.json` among them.
            is_current: whether decisions may look at it from now on.

        Returns:
            The stored run, and the reproduction when it was there already.

        Raises:
            CorruptFile: if the stored run is no longer what was published.
        """
        folder = self._folder(spec, run_id)
        reproduction = None
        if not folders.publish_folder(folder, files):
            folders.verify_folder(folder)
            stored = folders.read_index(folder)
            fresh = {name: sha256_hex(data) for name, data in files.items()}
            differing = sorted(
                name for name in {*stored, *fresh} if stored.get(name) != fresh.get(name)
            )
            reproduction = self._record(spec, run_id, differing)
        run = self.get(spec, run_id)
        if not is_current:
            return run, reproduction
        current = pointers.current(folder.parent, _LEDGER)
        if current is None or pointers.unsealed(current[1], folder.parent)["run_id"] != run_id:
            payload = pointers.sealed({"run_id": run_id, "result_hash": run.result_hash})
            pointers.publish_exclusive(
                folder.parent, _LEDGER, payload, after=current[0] if current else 0
            )
        return run, reproduction

    def specs(self) -> tuple[str, ...]:
        """List the specs that have a run, sorted."""
        if not self.root.is_dir():
            return ()
        names = sorted(path.name for path in self.root.iterdir() if path.is_dir())
        return tuple(name for name in names if pointers.current(self.root / name, _LEDGER))

    def current(self, spec: str) -> StoredRun | None:
        """Give the newest run of a spec, or None when it was never run."""
        run_id = self.current_id(spec)
        return None if run_id is None else self.get(spec, run_id)

    def current_id(self, spec: str) -> str | None:
        """Give the id of the newest run of a spec, or None when it was never run."""
        pointer = pointers.current(self.root / tag_from_text(spec), _LEDGER)
        if pointer is None:
            return None
        return str(pointers.unsealed(pointer[1], self.root / spec)["run_id"])

    def history(self, spec: str) -> tuple[str, ...]:
        """List the run ids that were current, oldest first; one may stand there again."""
        folder = self.root / tag_from_text(spec)
        return tuple(
            pointers.unsealed(payload, folder)["run_id"]
            for _, payload in pointers.history(folder, _LEDGER)
        )

    def runs(self) -> tuple[tuple[str, str], ...]:
        """List spec and id of every run, sorted; also of one that its ledger lacks."""
        found = {(spec, run_id) for spec in self.specs() for run_id in self.history(spec)}
        found |= {
            (path.parts[-3], path.parts[-2]) for path in self.root.glob(f"*/*/{folders.INDEX}")
        }
        return tuple(sorted(found))

    def newest(self) -> tuple[tuple[Micros, str, str], ...]:
        """List when each run was stored, its spec and its id, the newest first; reads no run."""
        found = [path.parts[-3:-1] for path in self.root.glob(f"*/*/{folders.INDEX}")]
        rows = [(self.stored_at(spec, run_id), spec, run_id) for spec, run_id in found]
        return tuple(sorted(rows, reverse=True))

    def stored_at(self, spec: str, run_id: str) -> Micros:
        """Give the file time of a run's index; copies of a store must keep file times."""
        return (self._folder(spec, run_id) / folders.INDEX).stat().st_mtime_ns // 1000

    def get(self, spec: str, run_id: str) -> StoredRun:
        """Give one run.

        Raises:
            MissingPartition: if there is no such run.
            CorruptFile: if its index, manifest, metrics or checks are damaged.
        """
        folder = self._folder(spec, run_id)
        if not folder.is_dir():
            raise MissingPartition(
                f"No run {run_id} of spec {spec}",
                expected=f"a folder in {folder.parent}",
                found="none",
                fix=f"Run `trading-assets backtest run {spec}`.",
            )
        return StoredRun(
            spec,
            run_id,
            folder,
            folders.read_json(folder, MANIFEST),
            folders.read_json(folder, METRICS),
            tuple(folders.read_json(folder, CHECKS)),
        )

    def reproductions(self, spec: str, run_id: str) -> tuple[Reproduction, ...]:
        """List what later runs of the same inputs gave, oldest first; equal ones are kept once."""
        folder = self._folder(spec, run_id).parent / _REPRODUCTIONS
        return tuple(
            Reproduction(n, run_id, tuple(pointers.unsealed(payload, folder)["differing"]))
            for n, payload in pointers.history(folder, run_id)
        )

    def verify(self) -> int:
        """Hash every file of every run and give their number.

        Raises:
            CorruptFile: naming the first that is missing or altered.
        """
        found = [path.parent for path in self.root.glob(f"*/*/{folders.INDEX}")]
        return sum(folders.verify_folder(folder) for folder in found)

    def _record(self, spec: str, run_id: str, differing: list[str]) -> Reproduction:
        known = [r for r in self.reproductions(spec, run_id) if r.is_equal]
        if known and not differing:
            return known[0]
        folder = self._folder(spec, run_id).parent / _REPRODUCTIONS
        payload = pointers.sealed({"run_id": run_id, "differing": differing})
        n = pointers.publish_exclusive(folder, run_id, payload)
        return Reproduction(n, run_id, tuple(differing))

    def _folder(self, spec: str, run_id: str) -> Path:
        if not run_id.isalnum() or not run_id.isascii():
            raise DataError("Not the id of a run", expected="hex characters", found=repr(run_id))
        return self.root / tag_from_text(spec) / run_id
