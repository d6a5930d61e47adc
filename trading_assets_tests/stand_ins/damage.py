"""One changed bit of a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, though it is read-only."""
    data = path.read_bytes()
    path.chmod(0o644)
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


@contextmanager
def flipped(path: Path) -> Iterator[str]:
    """Change one bit of a file, and change it back."""
    data, mode = path.read_bytes(), path.stat().st_mode
    flip(path)
    try:
        yield str(path)
    finally:
        path.write_bytes(data)
        path.chmod(mode)
