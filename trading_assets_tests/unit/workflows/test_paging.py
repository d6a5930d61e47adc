"""Pages of a list that grows at its head, and cursors that were tampered with."""

import pytest

from trading_assets.domain.errors import DataError
from trading_assets.workflows.paging import cursor_key, cursor_text, page_of


def test_pages_meet_although_rows_are_added_at_the_head():
    rows, seen, after = [9, 7, 5, 3, 1], [], None
    for new in (11, 13, 15):
        found = (row for row in rows if after is None or row < after[0])
        page = page_of(found, lambda row: (row,), 2)
        seen += page.items
        after = cursor_key(page.next, (0,))
        rows.insert(0, new)
    assert seen == [9, 7, 5, 3, 1]
    assert page.next is None


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAA", "é", cursor_text((1, 2)), cursor_text(("a",)), cursor_text((2**70,)),
     cursor_text((True,)), cursor_text((1.5,)), "W" * 5000, "W" * 4001],
)  # fmt: skip
def test_what_is_no_cursor_of_the_list_is_refused(cursor):
    with pytest.raises(DataError, match="Not a cursor"):
        cursor_key(cursor, (0,))
