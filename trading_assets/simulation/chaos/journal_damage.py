"""A12: a journal cut at every byte and with bits turned over; it is whole, or it is refused."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.events import TradingHalted
from trading_assets.simulation.chaos.verdict import Verdict
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import FILE, SEAL, JournalReader, JournalRow

_BOOK, _EPOCH = "damaged", "virtual"
_BASE, _TAIL, _COMMIT = 20, 100, 10
"""Rows below the snapshot, rows that are in the write-ahead log only, rows of one commit."""
_WAL = f"{FILE}-wal"
_FLIPPED = (FILE, FILE, FILE, FILE, _WAL, _WAL, _WAL, "watermark", "snapshot", SEAL)


@dataclass(slots=True)
class _Tally:
    fates: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    done: int = 0

    def count(self, kind: str, fate: str, what: str) -> None:
        self.done += 1
        self.fates.setdefault(kind, Counter())[fate] += 1
        if fate not in {"refused", "whole"}:
            self.wrong.append(f"{what}: {fate}")


def damage_journal(
    n: int,
    stride: int,
    seed: int,
    folder: Path,
    report: Callable[[int, int], None] = lambda *_: None,
) -> Verdict:
    """Damage a journal in one place at a time, open it as a start does, and compare every row.

    Args:
        n: bits to turn over: 40 % in the database, 30 % in the write-ahead log, 10 % each in
            watermark, snapshot and seal.
        stride: cut at every so many bytes; 1 for each.
        seed: draws the bits.
        folder: empty, on a local disk.
        report: told (damages done, violations) now and then.
    """
    dice, began = random.Random(seed), time.monotonic()  # noqa: S311 - has to be repeatable
    tally = _Tally()
    truth, victim, folded = _written(folder)
    for path in [_path(victim, name) for name in (_WAL, "watermark", "snapshot", SEAL)]:
        whole = path.read_bytes()
        step = stride if path.name == _WAL else 1
        for length in range(len(whole) - 1, -1, -step):
            with path.open("r+b") as file:
                file.truncate(length)
            kind = f"cut {_kind(path)}"
            tally.count(kind, _fate(victim, truth), f"{kind} at byte {length}")
            report(tally.done, len(tally.wrong))
        path.write_bytes(whole)
    for _ in range(n):
        name = dice.choice(_FLIPPED)
        home = folded if name == FILE else victim
        path = _path(home, name)
        with _flipped(path, dice) as place:
            kind = f"flip {_kind(path)}"
            tally.count(kind, _fate(home, truth), f"{kind}, {place}")
        report(tally.done, len(tally.wrong))
    if {_fate(victim, truth), _fate(folded, truth)} != {"whole"}:
        tally.wrong.append("the undamaged journal is not accepted, so nothing was proven")
    figures = {
        "tail_records": _TAIL,
        "cuts": tally.done - n,
        "stride": stride,
        "flips": n,
        "seed": seed,
        "fates": {kind: dict(sorted(fates.items())) for kind, fates in tally.fates.items()},
        "seconds": round(time.monotonic() - began, 1),
    }
    return Verdict("A12", figures, tuple(tally.wrong))


class _flipped:  # noqa: N801 - reads as what it does
    """Turn one bit of a file over, for a while."""

    def __init__(self, path: Path, dice: random.Random) -> None:
        self._path = path
        self._byte = dice.randrange(path.stat().st_size)
        self._bit = dice.randrange(8)

    def __enter__(self) -> str:
        self._turn()
        return f"byte {self._byte} bit {self._bit}"

    def __exit__(self, *_: object) -> None:
        self._turn()

    def _turn(self) -> None:
        with self._path.open("r+b") as file:
            file.seek(self._byte)
            (value,) = file.read(1)
            file.seek(self._byte)
            file.write(bytes([value ^ (1 << self._bit)]))


def _written(folder: Path) -> tuple[tuple[JournalRow, ...], Path, Path]:
    """Write a journal; give its rows, a copy as a killed process leaves it, and one that is closed.

    In the first the tail is in the write-ahead log, in the second everything is in the database.
    """
    source, victim = folder / "source", folder / "victim"
    with closing(
        Journal(source, book=_BOOK, epoch=_EPOCH, clock=WallClock(), holder="chaos")
    ) as journal:
        instants = iter(range(1, _BASE + _TAIL + 1))
        for _ in range(0, _BASE, _COMMIT):
            journal.append(list(_events(instants)))
        journal.save_snapshot(b'{"state": "as of the base"}')
        for _ in range(0, _TAIL, _COMMIT):
            journal.append(list(_events(instants)))
        truth = tuple(journal.rows())
        shutil.copytree(source, victim)  # the writer has it open: its log is not folded in yet
    return truth, victim, source


def _events(instants: Iterator[int]) -> Iterator[TradingHalted]:
    for _ in range(_COMMIT):
        ts = next(instants)
        yield TradingHalted(ts, f"reason {ts}")


def _fate(folder: Path, truth: tuple[JournalRow, ...]) -> str:
    """Open and read as a start does: `refused`, `whole`, or the way in which it goes wrong."""
    (folder / f"{FILE}-shm").unlink(missing_ok=True)  # no process is left, as after a reboot
    try:
        with JournalReader(folder) as journal:
            end = journal.verify()
            rows = tuple(journal.rows())
            is_other = (journal.book, journal.epoch) != (_BOOK, _EPOCH)
    except TradingAssetsError:
        return "refused"
    except Exception as error:  # any other kind is what is looked for here
        return f"broken with {type(error).__name__}: {error}"
    if rows != truth[: len(rows)]:
        return "accepted with other rows"
    if is_other:  # a start compares both with what it is to trade
        return "refused"
    return "whole" if end.seq == len(rows) == len(truth) else "silently shortened"


def _path(folder: Path, name: str) -> Path:
    return next(folder.glob("snapshot-*.bin")) if name == "snapshot" else folder / name


def _kind(path: Path) -> str:
    names = {FILE: "database", _WAL: "log", "watermark": "watermark", SEAL: "seal"}
    return names.get(path.name, "snapshot")
