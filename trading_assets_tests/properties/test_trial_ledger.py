"""The count of trials: distinct ones, in any order, however often; no byte changes unnoticed."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.errors import LedgerBroken
from trading_assets.evaluation.metrics import sharpe_ratio
from trading_assets.storage.trial_chain import LEDGER
from trading_assets.storage.trial_store import DailyReturns
from trading_assets.workflows.enter_trials import enter_trial
from trading_assets.workflows.trial_ledger import (
    PROBES,
    REPEATS,
    TRIES,
    read_trials,
    returns_of,
    trials_of_family,
)

DAY = 86_400_000_000

RUNS = st.lists(
    st.tuples(
        st.sampled_from(["trend", "reversion"]),
        st.integers(0, 5),  # a parameter
        st.integers(0, 2),  # a data set, each with one day more
        st.sampled_from(sorted(TRIES | REPEATS | PROBES)),
    ),
    max_size=20,
)


def enter(root, run, *, at=0):
    family, fast, data, purpose = run
    rng = np.random.default_rng([fast, data])
    returns = DailyReturns(np.arange(5 + data) * DAY, rng.normal(0, 0.01, 5 + data))
    enter_trial(
        root, family=family, identity={"fast": fast}, ran_on=data, at=at, purpose=purpose,
        returns=returns,
    )  # fmt: skip


def counts(root, family):
    count = trials_of_family(root, family)
    return count.n, count.sharpes, count.trials


@settings(deadline=None, max_examples=40)
@given(RUNS, st.randoms(use_true_random=False))
def test_a_family_has_as_many_trials_as_were_distinct_in_any_order_and_repetition(runs, chance):
    # What is only repeated was tried at least once; probes of the gate are no try.
    tried = {(family, fast) for family, fast, _, p in runs if p in TRIES | REPEATS}
    again = [*runs, *runs[: len(runs) // 2]]
    chance.shuffle(again)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        for run in runs:
            enter(Path(one), run)
        for at, run in enumerate(again):
            enter(Path(other), run, at=at)
        for family in ("trend", "reversion"):
            assert counts(Path(one), family)[0] == sum(f == family for f, _ in tried)
            assert counts(Path(other), family)[0] == counts(Path(one), family)[0]


@settings(deadline=None, max_examples=25)
@given(RUNS.map(lambda runs: [(f, p, d, "sweep") for f, p, d, _ in runs]), st.randoms())
def test_sharpes_are_those_of_the_longest_runs_in_any_order(runs, chance):
    again = [*runs, *runs[::2]]
    chance.shuffle(again)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        for run in runs:
            enter(Path(one), run)
        for run in again:
            enter(Path(other), run)
        for family in ("trend", "reversion"):
            count = trials_of_family(Path(one), family)
            found = trials_of_family(Path(other), family)
            assert (found.n, found.sharpes) == (count.n, count.sharpes)
            longest = {p: max(d for f, q, d, _ in runs if (f, q) == (family, p))
                       for f, p, *_ in runs if f == family}  # fmt: skip
            wanted = []
            for fast, data in longest.items():
                returns = np.random.default_rng([fast, data]).normal(0, 0.01, 5 + data)
                wanted.append(sharpe_ratio(returns, 1.0))
            assert sorted(count.sharpes) == sorted(wanted)
            matrix = returns_of(Path(one), count.trials)
            assert matrix.returns.shape == (len(matrix.days), len(matrix.trial_ids))


@settings(deadline=None, max_examples=60)
@given(RUNS.filter(bool), st.data())
def test_no_byte_of_the_ledger_changes_and_no_part_is_cut_unnoticed(runs, data):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for run in runs:
            enter(root, run)
        path = root / LEDGER
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        end = data.draw(st.integers(at + 1, len(whole)))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
        for damaged in (
            whole[:at] + bytes([byte]) + whole[at + 1 :],
            whole[:at] + whole[end:],
            whole[:at],
        ):
            path.write_bytes(damaged)
            with pytest.raises(LedgerBroken):
                read_trials(root)
