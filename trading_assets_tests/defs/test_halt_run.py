"""The stop button: it stops every book; `lint-imports` keeps one that starts it out."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from trading_assets.defs.jobs import halt_book
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.control import HaltLevel
from trading_assets.live.safety.latch import read_latch


@pytest.mark.parametrize("level", list(HaltLevel)[1:])
def test_a_run_puts_the_latch_up(
    level: HaltLevel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_BOOKS__REAL__VENUE", "binance")
    monkeypatch.setenv("TA_BOOKS__REAL__ACCOUNT", "main")
    config = {"book": "real", "level": level.name, "reason": "a test"}
    with dg.DagsterInstance.ephemeral() as instance:
        result = halt_book.execute_in_process(
            instance=instance,
            resources={"desk": DeskResource()},
            run_config={"ops": {"put_up_latch": {"config": config}}},
        )
    assert result.success
    latched = read_latch(tmp_path / "data" / "live" / "real" / "HALT")
    assert latched is not None
    assert (latched.level, latched.source, latched.reason) == (level, "dagster", "a test")
