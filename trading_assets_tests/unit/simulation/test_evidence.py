"""The published evidence has the shape that `--record` writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from trading_assets.simulation.chaos.verdict import problems

PATH = Path(__file__).parents[3] / "docs" / "evidence.json"


def test_every_figure_names_its_command_day_and_revision():
    entries = json.loads(PATH.read_text())

    assert problems(entries) == []
    for entry in entries:
        assert entry["command"].startswith(("trading-assets ", "python benchmarks/"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"])
        assert re.fullmatch(r"[0-9a-f]{7,12}\+?", entry["revision"])
        assert not entry["figures"].get("violations")
