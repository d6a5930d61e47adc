"""A chain of evidence as values: links, the files behind them, and what was proven of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

Status = Literal["equal", "differs", "not checkable"]

EQUAL: Status = "equal"
DIFFERS: Status = "differs"
NOT_CHECKABLE: Status = "not checkable"


@dataclass(frozen=True, slots=True)
class FileProof:
    """One file, hashed again.

    Attributes:
        path: of the file.
        sha256: that was promised.
        found: what is there instead, in words; "" when it is what was promised.
        vendor: name of the vendor's object, where it is one.
    """

    path: str
    sha256: str
    found: str = ""
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain.

    Attributes:
        kind: what it is: `order`, `signal`, `model`, `raw`, ...
        name: which one, as everything else of the desk names it.
        status: `equal` when what was recorded came out once more; `differs` when another thing
            did; `not checkable` when one of the two cannot be had.
        said: what was compared, or why it could not be.
        recorded, found: the two values of a difference, or the one that both are.
        facts: more of it, as plain values.
        files: that it rests on, all of them hashed again.
    """

    kind: str
    name: str
    status: Status
    said: str = ""
    recorded: str = ""
    found: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[FileProof, ...] = ()

    @property
    def damaged(self) -> tuple[FileProof, ...]:
        """Its files that are not what was promised."""
        return tuple(file for file in self.files if file.found)


@dataclass(frozen=True, slots=True)
class Trace:
    """An order, and everything that led to it.

    Attributes:
        order_id: client order id.
        origin: `book demo`, or `run ema_trend/0123456789abcdef`.
        order: what it was, as plain values.
        links: from the order down to the vendor's files.
    """

    order_id: str
    origin: str
    order: Mapping[str, Any]
    links: tuple[Link, ...]

    @property
    def status(self) -> Status:
        """The worst of its links: a difference, then what could not be checked."""
        found = {link.status for link in self.links}
        return next((s for s in (DIFFERS, NOT_CHECKABLE) if s in found), EQUAL)

    @property
    def damaged_files(self) -> tuple[str, ...]:
        """Paths of files that are not what was promised, sorted."""
        return tuple(sorted({file.path for link in self.links for file in link.damaged}))

    def of(self, kind: str) -> Iterator[Link]:
        """Give its links of a kind."""
        return (link for link in self.links if link.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "order_id": self.order_id,
            "origin": self.origin,
            "status": self.status,
            "order": dict(self.order),
            "links": [asdict(link) for link in self.links],
        }


def compared(kind: str, name: str, recorded: str, found: str, said: str, **facts: Any) -> Link:
    """Give the link of two values that must be the same."""
    status = EQUAL if recorded == found else DIFFERS
    return Link(kind, name, status, said, recorded, found, facts)


def filed(
    kind: str, name: str, version: str, files: tuple[FileProof, ...], said: str = "", **facts: Any
) -> Link:
    """Give the link of something that rests on files."""
    bad = [file for file in files if file.found]
    told = "; ".join(f"{file.path}: {file.found}" for file in bad)
    status = DIFFERS if bad else EQUAL
    return Link(kind, name, status, said, version, told or version, facts, files)


def code_link(name: str, recorded: str, now: str) -> Link:
    """Give the link of the code that something was computed by, against the present."""
    if recorded == now:
        return Link("code", name, EQUAL, "the code is that of its time", recorded, now)
    said = "made by other code, which is not here; what is computed again, the present code does"
    return Link("code", name, NOT_CHECKABLE, said, recorded, now)


def compared_rows(
    kind: str, name: str, stored: pl.DataFrame, found: pl.DataFrame, said: str
) -> Link:
    """Give the link of rows that must have the same bits; a column that one side lacks is left out.

    Versions of this program differ in columns, and what was stored before one is none the worse.
    """
    shared = [column for column in stored.columns if column in found.columns]
    return compared(
        kind, name, row_text(stored.select(shared)), row_text(found.select(shared)), said
    )


def row_text(rows: pl.DataFrame) -> str:
    """Write rows so that equal texts are equal bits: the text of a float is its own."""
    return "; ".join(map(repr, rows.rows())) if rows.height else "no row"
