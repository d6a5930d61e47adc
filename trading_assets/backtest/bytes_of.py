"""Bytes of plain values, and files of bytes: equal values give equal files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def json_bytes(value: Any) -> bytes:
    """Write plain values for people and programs: sorted, indented, without NaN."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def write_files(folder: Path | str, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made if it is not there; give their paths."""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (root / name).write_bytes(data)
    return [root / name for name in files]
