"""The pages of rules name a test for every row, and those tests are there."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (("order-rules.md", 20), ("risk.md", 10), ("differences.md", 6))


@pytest.mark.parametrize(("page", "least"), PAGES)
def test_every_rule_is_held_by_a_test_that_exists(page, least):
    lines = (ROOT / "docs" / page).read_text().splitlines()
    rows = [
        line
        for line, below in itertools.pairwise([*lines, ""])
        if line.startswith("| ") and not below.startswith("|--")  # no header
    ]
    there = {
        name
        for path in (ROOT / "trading_assets_tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    assert len(rows) > least
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1])
        assert named, row
        assert set(named) <= there, row
