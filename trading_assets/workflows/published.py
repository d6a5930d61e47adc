"""What publishing a partition gives back, to whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading_assets.domain.ids import Month, Symbol


@dataclass(frozen=True, slots=True)
class Published:
    """One partition of one table, as it stands after the call.

    Attributes:
        version: row-content hash; equal rows have equal versions, whatever the file's bytes.
        changed: False when the partition already stood like this and nothing was written.
        parents: version of every partition or artefact it was made from, by its address.
        metadata: plain values worth showing to a person.
    """

    table: str
    symbol: Symbol | None
    month: Month | None
    version: str
    rows: int
    changed: bool
    parents: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
