"""Which source is running: the commit, and whether it was changed since."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@cache
def source_state() -> dict[str, str]:
    """Give `code.commit` and `code.dirty`; nothing where the package is not in a git checkout."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {}
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"code.commit": commit.strip(), "code.dirty": str(bool(changes)).lower()}


def _git(*arguments: str) -> str | None:
    try:
        told = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", "-C", str(_PACKAGE), *arguments],  # noqa: S607 - git of the user's PATH
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.stdout if told.returncode == 0 else None
