"""What stands before the bytes of a machine's state: layout, shape and setup."""

from __future__ import annotations

import struct

from trading_assets.domain.errors import RecoveryError
from trading_assets.records.state import layout_hash

HEADER = struct.Struct("<8sI32s32s")
_MAGIC = b"TAENGIN6"
_LAYOUT = bytes.fromhex(layout_hash())


def written_header(books: int, setup_hash: str) -> bytes:
    """Give the header of a state with so many books, of the setup with this hash."""
    return HEADER.pack(_MAGIC, books, _LAYOUT, bytes.fromhex(setup_hash))


def read_header(blob: bytes) -> tuple[int, str]:
    """Give the number of books and the hash of the setup.

    Raises:
        RecoveryError: if the bytes are no snapshot, or one of another version.
    """
    if blob.startswith(_MAGIC[:-1]) and not blob.startswith(_MAGIC):
        raise RecoveryError(
            "Snapshot of another version of the engine's record",
            expected=_MAGIC.decode(),
            found=repr(blob[:8]),
            fix="Start from the journal, or with the version that wrote the snapshot.",
        )
    if len(blob) < HEADER.size or not blob.startswith(_MAGIC):
        raise RecoveryError("Not a snapshot of the engine", found=repr(blob[:8]))
    _, books, layout, of_setup = HEADER.unpack_from(blob)
    if layout != _LAYOUT:
        raise RecoveryError(
            "Snapshot with other fields than this version's record",
            expected=_LAYOUT.hex(),
            found=layout.hex(),
            fix="Start from the journal, or with the version that wrote the snapshot.",
        )
    return books, of_setup.hex()
