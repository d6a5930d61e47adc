"""What the desk's ledger of trials says: how many there were, of whom, and how good they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import LedgerBroken
from trading_assets.domain.ids import Micros, sha256_hex
from trading_assets.settings import Settings
from trading_assets.storage.trial_chain import (
    HEAD,
    LEDGER,
    RETURNS,
    Head,
    is_unchained,
    read_proven,
    salvaged,
)
from trading_assets.storage.trial_ledger import ledger_at, replace_ledger, turn
from trading_assets.storage.trial_store import DailyReturns, TrialReturns
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec

TRIES = frozenset({"backtest", "sweep", "walk_forward", "tune", "holdout"})
"""Purposes of runs that are a try."""

REPEATS = frozenset({"reproduce", "parity", "daily"})
"""Purposes of runs of what was tried before, and so no further try: what is counted are distinct
trials. One that nobody had tried before is tried by them."""

PROBES = frozenset({"stress", "neighbour"})
"""Purposes of runs that judge another trial, and that nobody chooses from: they are not counted."""


@dataclass(frozen=True, slots=True)
class KnownTrial:
    """A distinct trial, as its longest run knows it.

    Attributes:
        sharpe: per day, of all days of the run; None where it is not known or not defined.
        periods: days that it is of.
        oos_sharpe: per day, of the days out of sample alone; None where not known.
        oos_periods: days that it is of.
        key: of the run.
        returns: file and SHA-256 of its daily returns; None where they were not kept.
    """

    trial_id: str
    sharpe: float | None
    periods: int
    oos_sharpe: float | None
    oos_periods: int
    key: str
    returns: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class TrialCount:
    """How often a family was tried.

    Attributes:
        n: distinct trials, and rows that were lost: each of them may have been one more.
        lost: rows of the ledger, of any family, that a person has accepted to be lost.
        trials: those that are known, by their ids.
        head: of the ledger that was counted.
    """

    family: str
    n: int
    lost: int
    trials: tuple[KnownTrial, ...]
    head: Head

    @property
    def sharpes(self) -> tuple[float, ...]:
        """Sharpe ratio per day of each distinct trial where it is known, over all of its days."""
        return tuple(trial.sharpe for trial in self.trials if trial.sharpe is not None)

    @property
    def oos_sharpes(self) -> tuple[float, ...]:
        """The same of the days out of sample."""
        return oos_sharpes_of(self.trials)

    @property
    def variance(self) -> float | None:
        """Sample variance (n - 1) of `oos_sharpes`; None when fewer than two are known."""
        return variance_of(self.trials)

    @property
    def head_hash(self) -> str:
        """Hash of the last row that was counted; see `holds`."""
        return self.head.hash


@dataclass(frozen=True, slots=True, eq=False)
class ReturnsMatrix:
    """Daily returns of trials on the same days.

    Attributes:
        trial_ids: of the columns.
        days: int64 (T,), first instants of the UTC days, microseconds.
        returns: float64 (T, N).
    """

    trial_ids: tuple[str, ...]
    days: NDArray[np.int64]
    returns: NDArray[np.float64]


def family_of(spec: AnySpec) -> str:
    """Name the family whose trials the runs of a spec are."""
    return "portfolio" if isinstance(spec, PortfolioSpec) else spec.strategy


def row_family(row: Mapping[str, Any]) -> str:
    """Give the family of a row; earlier ones called it by the strategy."""
    return str(row["family"] if "family" in row else row["strategy"])


def row_trial_id(row: Mapping[str, Any]) -> str:
    """Give the trial that a row is a run of; the earliest rows had their key alone."""
    return str(row.get("trial_id", row["key"]))


def has_desk(settings: Settings) -> bool:
    """Tell whether there is a desk whose ledger counts trials.

    A desk is there when it has written something, or when its tables are said to lie elsewhere: a
    folder `data` that a person has made for files of their own is none.
    """
    written = (LEDGER, HEAD, RETURNS, "runs", "sweeps")
    has_tables = "://" in settings.tables_root or Path(settings.tables_root).is_dir()
    return has_tables or any((settings.data_root / name).exists() for name in written)


def read_trials(root: Path) -> list[dict[str, Any]]:
    """Read the rows of all runs of trials, in the order in which they were entered.

    Raises:
        LedgerBroken: if the ledger is damaged, cut, replaced or lost, or was never chained.
    """
    return [row for row in ledger_at(root.absolute()).read().rows if "key" in row]


def count_trials(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the distinct trials of each family in rows of the ledger.

    Rows of `PROBES` and refusals are left out. A trial that was run again, as it was or on a
    history that has grown, has a row for each run, with one `trial_id`.
    """
    found: dict[str, set[str]] = {}
    for row in filter(_is_counted, rows):
        found.setdefault(row_family(row), set()).add(row_trial_id(row))
    return {family: len(trials) for family, trials in found.items()}


def trials_of_family(root: Path, family: str) -> TrialCount:
    """Count what a family has tried on this desk.

    Neither the order of rows nor how often one is repeated changes anything; MLflow and the folders
    of runs have no part in it.

    Args:
        root: of the desk.
        family: see `family_of`.

    Raises:
        LedgerBroken: as `read_trials`; then nobody knows, and nothing may be promoted.
    """
    proven = ledger_at(root.absolute()).read()
    lost = sum(row.get("lost", 0) for row in proven.rows if "note" in row)
    trials = known_trials(proven.rows, family)
    return TrialCount(family, len(trials) + lost, lost, trials, proven.head)


def known_trials(rows: Iterable[Mapping[str, Any]], family: str) -> tuple[KnownTrial, ...]:
    """Give the distinct trials of a family in rows of the ledger, by their ids."""
    longest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if "key" in row and _is_counted(row) and row_family(row) == family:
            known = longest.get(row_trial_id(row))
            if known is None or _worth(row) > _worth(known):
                longest[row_trial_id(row)] = row
    return tuple(_known(longest[trial_id]) for trial_id in sorted(longest))


def oos_sharpes_of(trials: Iterable[KnownTrial]) -> tuple[float, ...]:
    """Give the Sharpe ratio per day out of sample of each trial where it is known."""
    return tuple(trial.oos_sharpe for trial in trials if trial.oos_sharpe is not None)


def variance_of(trials: Iterable[KnownTrial]) -> float | None:
    """Give the sample variance (n - 1) of `oos_sharpes_of`; None when fewer than two are known."""
    known = oos_sharpes_of(trials)
    return float(np.var(known, ddof=1)) if len(known) > 1 else None


def returns_of(root: Path, trials: Iterable[KnownTrial]) -> ReturnsMatrix:
    """Read the daily returns of trials: of those that have the days which most of them have.

    Raises:
        CorruptFile: if returns that were kept are not there as they were.
    """
    return on_same_days(kept_returns(root, trials))


def kept_returns(root: Path, trials: Iterable[KnownTrial]) -> Iterator[tuple[str, DailyReturns]]:
    """Read the daily returns of trials that were kept, each with its trial's id.

    Raises:
        CorruptFile: as `returns_of`.
    """
    kept, files = TrialReturns(root / RETURNS), dict[str, dict[str, DailyReturns]]()
    for trial in trials:
        if trial.returns is None:
            continue
        name = trial.returns["file"]
        if name not in files:
            files[name] = kept.load(trial.returns)
        yield trial.trial_id, files[name][trial.key]


def on_same_days(found: Iterable[tuple[str, DailyReturns]]) -> ReturnsMatrix:
    """Put daily returns side by side: of the trials that have the days which most of them have."""
    by_days: dict[bytes, list[tuple[str, DailyReturns]]] = {}
    for trial_id, returns in found:
        by_days.setdefault(returns.days.tobytes(), []).append((trial_id, returns))
    if not by_days:
        return ReturnsMatrix((), np.empty(0, np.int64), np.empty((0, 0)))
    most = max(by_days.values(), key=lambda those: (len(those), len(those[0][1].days)))
    columns = [kept.returns for _, kept in most]
    return ReturnsMatrix(tuple(i for i, _ in most), most[0][1].days, np.column_stack(columns))


def holds(root: Path, head_hash: str) -> bool:
    """Tell whether the ledger still has the row that was its last one once.

    A decision names the head of what it counted, so that a ledger which somebody has written anew,
    head and all, is noticed.
    """
    rows = ledger_at(root.absolute()).read().rows
    return head_hash == Head().hash or any(row["hash"] == head_hash for row in rows)


def verify_ledger(root: Path) -> dict[str, Any]:
    """Prove the ledger and every file of returns that it names; give what there is.

    Raises:
        LedgerBroken, CorruptFile: naming the first thing that is not as it was written.
    """
    proven = ledger_at(root.absolute()).read()
    kept = TrialReturns(root / RETURNS)
    files = {row["returns"]["file"]: row["returns"] for row in proven.rows if "returns" in row}
    for file in files.values():
        kept.load(file)
    return {
        "rows": proven.head.rows,
        "bytes": proven.head.size,
        "head": proven.head.hash,
        "files_of_returns": len(files),
        "lost_rows": sum(row.get("lost", 0) for row in proven.rows),
        "notes": [row for row in proven.rows if "note" in row],
    }


def adopt_ledger(root: Path, *, at: Micros, accept_loss: bool = False) -> dict[str, Any]:
    """Chain a ledger that has no chain, or, with what is left, one that is broken.

    The first row says so, with the hash of the file that was there; the file itself is kept. Rows
    that are lost count as further trials of every family from then on.

    Args:
        root: of the desk.
        at: of the desk's clock.
        accept_loss: go on although rows are lost, or nobody can tell whether they are.

    Returns:
        The first row; empty when the ledger is whole and nothing was done.

    Raises:
        LedgerBroken: if something is lost, or may be, and that was not accepted.
    """
    with turn(root):
        return _adopted(root, at, accept_loss)


def _adopted(root: Path, at: Micros, accept_loss: bool) -> dict[str, Any]:
    was_unchained = is_unchained(root)
    try:
        read_proven(root)
    except LedgerBroken as broken:
        rows, lost = salvaged(root)
        may_be_lost = lost > 0 or not was_unchained
        if may_be_lost and not accept_loss:
            raise
        reason = broken.what
    else:
        return {}
    path = root / LEDGER
    data = path.read_bytes() if path.is_file() else b""
    sha256 = sha256_hex(data)
    if not data:
        lost = max(lost, TrialReturns(root / RETURNS).count())
    aside = f"trials-{'unchained' if was_unchained else 'broken'}-{sha256[:16]}.jsonl"
    note = {
        "note": "adopted",
        "at": at,
        "reason": reason.replace(f"{root}/", ""),
        "rows": len(rows),
        "lost": lost,
        "sha256": sha256,
        "kept_as": aside if data else "",
    }
    replace_ledger(root, [note, *rows], aside=aside)
    return note


def _is_counted(row: Mapping[str, Any]) -> bool:
    return row["purpose"] not in PROBES and not row["refusal"]


def _worth(row: Mapping[str, Any]) -> tuple[int, int, bool, str]:
    """Order runs of one trial by what they tell; the key makes the choice the same always."""
    periods = row.get("periods", 0)
    return int(periods), int(row.get("oos_periods", 0)), "returns" in row, str(row["key"])


def _known(row: Mapping[str, Any]) -> KnownTrial:
    return KnownTrial(
        row_trial_id(row),
        row.get("sharpe"),
        int(row.get("periods", 0)),
        row.get("oos_sharpe"),
        int(row.get("oos_periods", 0)),
        str(row["key"]),
        row.get("returns"),
    )
