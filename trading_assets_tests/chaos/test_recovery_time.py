"""A long journal and the time until its book is reconciled, in small."""

from __future__ import annotations

import pytest

from trading_assets.simulation.chaos import recovery_time
from trading_assets.simulation.chaos.recovery_time import time_recovery
from trading_assets.workflows.release_parts import parts_of


@pytest.mark.slow
def test_a_book_is_back_and_the_same_without_its_snapshot(tmp_path, monkeypatch):
    monkeypatch.setattr(recovery_time, "WITH_SNAPSHOT_S", 60.0)  # other tests have the cores, too
    monkeypatch.setattr(recovery_time, "WITHOUT_SNAPSHOT_S", 60.0)

    verdict = time_recovery(20_000, 3, tmp_path, parts_of)

    assert verdict.wrong == ()
    assert verdict.figures["records"] >= 20_000
    assert verdict.figures["without_snapshot"]["replay_s"] > 0


@pytest.mark.slow
def test_a_book_that_is_back_late_is_a_violation(tmp_path, monkeypatch):
    monkeypatch.setattr(recovery_time, "WITH_SNAPSHOT_S", 60.0)
    monkeypatch.setattr(recovery_time, "WITHOUT_SNAPSHOT_S", 0.01)

    wrong = time_recovery(1_000, 3, tmp_path, parts_of).wrong

    assert len(wrong) == 1
    assert wrong[0].startswith("without_snapshot: reconciled after")
