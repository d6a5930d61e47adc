"""Pages of long lists: the last row of a page says where the next one begins.

A place is named by what the row is sorted by, never by a count of rows: what is added at the head
between two pages moves nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from trading_assets.domain.errors import DataError

_Row = TypeVar("_Row")
_LONGEST = 400
_LARGEST = 2**63 - 1
"""What databases and columns hold."""

Key = tuple[str | int, ...]
"""What rows are sorted by: whole numbers and texts only, so that it survives as text."""


@dataclass(frozen=True, slots=True)
class Page(Generic[_Row]):
    """Some rows of a list.

    Attributes:
        items: in the order of the list.
        next: cursor of the page after this one; None when nothing is known to follow.
    """

    items: tuple[_Row, ...]
    next: str | None

    def mapped(self, make: Callable[[_Row], dict[str, Any]]) -> Page[dict[str, Any]]:
        """Give the page with each row as plain values."""
        return Page(tuple(make(row) for row in self.items), self.next)


def page_of(rows: Iterable[_Row], key: Callable[[_Row], Key], limit: int) -> Page[_Row]:
    """Take the first rows; one more is looked at, to know whether any follow."""
    taken = list(islice(rows, limit + 1))
    items = tuple(taken[:limit])
    return Page(items, cursor_text(key(items[-1])) if len(taken) > limit and items else None)


def cursor_text(key: Key) -> str:
    """Write the place of a row as text that is safe in an address."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def cursor_key(text: str | None, like: Key) -> Key | None:
    """Read what `cursor_text` wrote; None stays None.

    Args:
        text: of a caller, who may send anything.
        like: a key of the list: the cursor must have values of the same types.

    Raises:
        DataError: if it is no cursor of such a list.
    """
    if text is None:
        return None
    try:
        padded = text[:_LONGEST] + "=" * (-len(text) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        key = tuple(values)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        key = ()
    is_like = [type(value) for value in key] == [type(value) for value in like]
    if not is_like or any(isinstance(v, int) and abs(v) > _LARGEST for v in key):
        raise DataError(
            "Not a cursor of this list",
            expected="`next` of the page before, unchanged",
            found=repr(text)[:80],
            fix="Begin again without a cursor.",
        )
    return key


def number_before(text: str | None) -> int | None:
    """Read the cursor of a list whose rows are numbered, the highest first; None begins.

    Raises:
        DataError: as `cursor_key`.
    """
    key = cursor_key(text, (0,))
    return None if key is None else int(key[0])
