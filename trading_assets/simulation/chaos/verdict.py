"""What came of a piece of chaos: figures for a machine, violations for a person, both kept."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import ConfigurationError

_FIELDS = {"id", "command", "date", "revision", "figures"}
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of the acceptance table, measured.

    Attributes:
        id: row of the table, such as `A9`.
        figures: counts and durations (their names say the unit).
        wrong: every violation, in words; none is the only good outcome.
    """

    id: str
    figures: dict[str, Any]
    wrong: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values; of many violations the first ten."""
        return {
            "id": self.id,
            **self.figures,
            "violations": len(self.wrong),
            "wrong": list(self.wrong[:_SHOWN]),
            "verdict": "violated" if self.wrong else "held",
        }


def record(path: Path, verdict: Verdict, command: str) -> None:
    """Put a verdict into a file of evidence, in the place of an older one by the same command.

    Raises:
        ConfigurationError: if the file is something else, or the verdict is no proof.
    """
    if verdict.wrong:
        raise ConfigurationError(
            f"{verdict.id} does not hold; nothing was recorded",
            expected="a run without a violation",
            found=verdict.wrong[0],
        )
    kept = [e for e in _read(path) if (e["id"], e["command"]) != (verdict.id, command)]
    entry = {
        "id": verdict.id,
        "command": command,
        "date": datetime.fromtimestamp(WallClock().now() / 1e6, UTC).date().isoformat(),
        "revision": _revision(),
        "figures": verdict.to_json(),
    }
    entries = sorted([*kept, entry], key=lambda e: (int(e["id"][1:]), e["command"]))
    path.write_text(json.dumps(entries, indent=2) + "\n")


def problems(entries: Any) -> list[str]:
    """Tell what is wrong with the content of a file of evidence; nothing when it is sound."""
    if not isinstance(entries, list):
        return ["not a list"]
    found = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict) or entry.keys() != _FIELDS:
            found.append(f"entry {place} has not exactly {', '.join(sorted(_FIELDS))}")
        elif not _is_row(entry["id"]):
            found.append(f"entry {place}: {entry['id']!r} is no row of the acceptance table")
        elif not isinstance(entry["figures"], dict) or entry["figures"].get("verdict") != "held":
            found.append(f"entry {place} ({entry['id']}) is no proof: its verdict is not `held`")
    return found


def _is_row(name: Any) -> bool:
    return isinstance(name, str) and name[:1] == "A" and name[1:].isdecimal()


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    entries: list[dict[str, Any]] = json.loads(path.read_bytes())
    if wrong := problems(entries):
        raise ConfigurationError(
            f"{path} is no file of evidence", expected="what --record writes", found=wrong[0]
        )
    return entries


def _revision() -> str:
    """Name the code that ran: its commit, with a `+` when files differ from it, "" without git."""
    here = Path(__file__).parent
    try:
        asked = ("git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*")
        found = subprocess.run(  # noqa: S603 - these words, nothing of a user's
            asked, cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()
