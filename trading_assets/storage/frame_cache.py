"""Partitions as uncompressed Arrow files that are mapped, not decoded: what an engine reads often.

Nothing here is the truth: a file is made from a proven partition, is proven again by its checksum
whenever it is read, and is thrown away and made again when one bit of it is wrong.
"""

from __future__ import annotations

import io
import mmap
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trading_assets.storage.roots import LocalFolder

_MAGIC = b"ta-arrow"
_HEADER = struct.Struct("<8s32sQI12x")
"""Magic, version, bytes and CRC-32 of what follows: 64 bytes, so that columns stay aligned."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """What was removed, or would be: number of files and their bytes; and what stays."""

    files: int
    size_bytes: int
    kept_bytes: int


class FrameCache:
    """Files `<root>/<version>.arrow`; safe for any number of processes.

    A file appears whole and is never written again; removing it does not disturb who has mapped it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, version: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """Give the rows of a version, mapped from its file; `make` gives them when there is none.

        Args:
            version: row-content hash (64 hex characters).
            make: reads the rows from where they are proven.

        Raises:
            StorageUnavailable: if there is no room for the file.
        """
        frame = self._mapped(version)
        if frame is None:
            frame = make()
            LocalFolder(self.root).create(_name(version), _encoded(version, frame))
        return frame

    def evict(self, max_bytes: int, *, delete: bool) -> Evicted:
        """Remove the files that were read longest ago, until the rest fits.

        What killed writers have left goes, too.

        Args:
            max_bytes: that all files may take.
            delete: False only counts.
        """
        folder = LocalFolder(self.root)
        if delete:
            folder.sweep()
        names = [name for name in folder.names() if name.endswith(".arrow")]
        by_age = sorted((folder.modified(name), name) for name in names)
        sizes = {name: folder.size(name) for name in names}
        kept = sum(sizes.values())
        going = []
        for _, name in by_age:
            if kept <= max_bytes:
                break
            going.append(name)
            kept -= sizes[name]
        for name in going if delete else ():
            folder.delete(name)
        return Evicted(len(going), sum(sizes[name] for name in going), kept)

    def _mapped(self, version: str) -> pl.DataFrame | None:
        """Map a file; None when there is none, or it was not as written and has been removed."""
        import pyarrow as pa

        path = self.root / _name(version)
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            return None
        except ValueError:  # an empty file cannot be mapped
            mapped = None
        body = memoryview(mapped)[_HEADER.size :] if mapped else memoryview(b"")
        if mapped is None or mapped[: _HEADER.size] != _header(version, body):
            path.unlink(missing_ok=True)
            return None
        os.utime(path)  # what is read often is evicted last
        frame = pl.from_arrow(pa.ipc.open_file(pa.py_buffer(body)).read_all())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never one column
        return frame


def _name(version: str) -> str:
    return f"{version}.arrow"


def _header(version: str, body: memoryview | bytes) -> bytes:
    return _HEADER.pack(_MAGIC, bytes.fromhex(version), len(body), zlib.crc32(body))


def _encoded(version: str, frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.rechunk().write_ipc(buffer, compression="uncompressed")
    body = buffer.getvalue()
    return _header(version, body) + body
