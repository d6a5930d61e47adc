"""`chaos halt` in small: it holds, and its judge sees a halt that is late or that nobody heeds."""

from __future__ import annotations

import sys

import pytest

from trading_assets.simulation.chaos import halts, rig
from trading_assets.simulation.chaos.halts import Trial, halt_again_and_again, judge
from trading_assets.simulation.chaos.triggers import WAYS

SECOND = 600 * 1_000_000  # of this machine, in market time
DEAF = """
from trading_assets.live.safety.attention import Attention
from trading_assets.live.session import Session
Attention.hold = lambda self, ticket: ""
Session._on_halted = lambda self, event: []
from trading_assets.interfaces.cli.main import main
main()
"""


def trials(*begins_s):
    return [Trial("cli", 0.1, b * SECOND, (b + 1.8) * SECOND) for b in begins_s]


def judged(trials, entries):
    return judge(trials, entries, (0, 10 * SECOND), seed=1)


def entries(*moments_s):
    return [int(moment * SECOND) for moment in moments_s]


def test_entries_before_a_trigger_and_after_a_resume_are_nobodys_fault():
    verdict = judged(trials(4, 8), entries(0.5, 1, 2, 3.9, 5.9, 6.5, 7.5, 9.9))

    assert verdict.wrong == ()
    assert verdict.figures["halt_s"]["p100"] == 0.0
    assert verdict.figures["entries_after_a_trigger"] == 0


def test_the_last_entry_before_the_resume_is_what_counts():
    quick = judged(trials(4), entries(0.5, 1, 2, 3, 3.5, 4.2, 4.9))
    late = judged(trials(4), entries(0.5, 1, 2, 3, 3.5, 4.2, 5.5))

    assert quick.wrong == ()
    assert quick.figures["halt_s"]["p100"] == 0.9
    assert quick.figures["halt_p100_s"] == {"cli": 0.9}
    assert quick.figures["entries_after_a_trigger"] == 2
    assert late.wrong == ("an entry arrived 1.50 s after the trigger by cli",)


@pytest.mark.parametrize("taken", [(), (0.5,), (3.9,)])
def test_a_book_that_hardly_trades_proves_nothing(taken):
    assert "nothing was proven" in judged(trials(4), entries(*taken)).wrong[-1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_entry_arrives_after_any_of_the_six_triggers(tmp_path):
    verdict = halt_again_and_again(2 * len(WAYS), 3, tmp_path)

    assert verdict.wrong == ()
    assert {way: heard["n"] for way, heard in verdict.figures["heard_s"].items()} == dict.fromkeys(
        WAYS, 2
    )
    assert verdict.figures["entries"] > 0


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_executor_that_journals_a_halt_and_trades_on_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(rig, "LIVE", (sys.executable, "-c", DEAF, "live", "--book", rig.BOOK))
    monkeypatch.setattr(halts, "_QUIET_S", (2.0,))

    verdict = halt_again_and_again(2, 3, tmp_path)

    assert any("after the trigger by" in line for line in verdict.wrong)
