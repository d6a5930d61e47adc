"""A long journal and the time until its book is reconciled, in small."""

from __future__ import annotations

import pytest

from trading_assets.simulation.chaos import recovery_time
from trading_assets.simulation.chaos.recovery_time import time_recovery
from trading_assets.workflows.release_parts import parts_of


def _allow(monkeypatch, most, **others):
    """Change the bounds: other tests have the cores, too."""
    cases = {
        name: (gone, others.get(name, most)) for name, (gone, _) in recovery_time._CASES.items()
    }
    monkeypatch.setattr(recovery_time, "_CASES", cases)


@pytest.mark.slow
def test_a_book_is_back_and_the_same_without_its_snapshot(tmp_path, monkeypatch):
    _allow(monkeypatch, 60.0)

    verdict = time_recovery(20_000, 3, tmp_path, parts_of)

    assert verdict.wrong == ()
    assert verdict.figures["records"] >= 20_000
    assert verdict.figures["without_snapshot"]["replay_s"] > 0
    assert {"with_snapshot", "without_snapshot_and_seal"} < set(verdict.figures)


@pytest.mark.long
@pytest.mark.slow
def test_a_book_that_is_back_late_is_a_violation(tmp_path, monkeypatch):
    _allow(monkeypatch, 60.0, without_snapshot=0.01)

    wrong = time_recovery(1_000, 3, tmp_path, parts_of).wrong

    assert len(wrong) == 1
    assert wrong[0].startswith("without_snapshot: reconciled after")
