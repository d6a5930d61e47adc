"""A session as it was saved."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parts of a saved session, read once: of a long book it has megabytes."""

    release_id: str
    book: dict[str, Any]
    engine: bytes

    @classmethod
    def read(cls, payload: bytes) -> Snapshot:
        """Read what `Session.snapshot` gave.

        Raises:
            ValueError, KeyError, TypeError: if it is none.
        """
        values = json.loads(payload)
        return cls(values["release_id"], values["book"], base64.b64decode(values["engine"]))
