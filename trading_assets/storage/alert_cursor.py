"""How far a channel has told the alerts of every file; durable before the next one is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import canonical_json
from trading_assets.storage import roots


class AlertCursor:
    """One file per channel: the number of the last line told, by `AlertFile.identity`."""

    def __init__(self, folder: Path, channel: str) -> None:
        """Name the file; nothing is touched."""
        self.path = folder / f"{channel}.cursor.json"

    def read(self) -> dict[str, int] | None:
        """Give it, None for a channel that has never told anything.

        Raises:
            CorruptFile: if the file is none of ours.
        """
        try:
            found = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(n, int) for n in found.values()):
            raise CorruptFile(
                f"{self.path} cannot be read",
                expected="a number for every file of alerts",
                fix="Remove it: the channel then begins with the latest alerts.",
            )
        return found

    def save(self, told: Mapping[str, int]) -> None:
        """Replace it, durably.

        Raises:
            StorageUnavailable: if the disk refuses.
        """
        roots.make_folder(self.path.parent)
        roots.replace(self.path, canonical_json(dict(told)))
