"""How the machine is compiled."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from trading_assets.domain.setup import SignalFamily
from trading_assets.engine import asking, intents, kernel
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.portfolio import compiled
from trading_assets.strategies.asked import AskedStrategy


@pytest.fixture
def machine_code(trade):
    """Give the optimised LLVM text of the loop, everything that it calls included."""
    trade((1, 100.0))
    return _optimised(kernel.advance.signatures[0])


@cache  # compiling takes many seconds, and gives every test the same
def _optimised(signature, entry=kernel.advance):
    fresh = _fresh(entry)
    fresh.compile(signature)
    return fresh.inspect_llvm(signature)


def _fresh(dispatcher):
    """The same function uncompiled: what was loaded from the cache has no LLVM text."""
    from numba import jit

    return jit(**dispatcher.targetoptions)(dispatcher.py_func)


def test_nothing_is_allocated_and_no_reference_counted_in_the_compiled_step(machine_code):
    assert len(machine_code) > 100_000
    assert not re.search(r"call[^\n]*NRT_(incref|decref|MemInfo)", machine_code)


@pytest.mark.slow
def test_the_same_holds_where_a_strategy_is_asked_at_every_close(trade):
    class Silent(AskedStrategy):
        def on_bar(self, view, own):
            return []

    setup = replace(trade((1, 100.0)).setup, family=SignalFamily.ON_BAR, decider=Silent())
    price, wishes = np.array([[100.0]]), np.empty((1, 1, 0))
    bars = BarMatrix(np.array([1]), price, price, price, price, price)
    Machine(setup).run(bars, SignalMatrix(SignalFamily.ON_BAR, wishes))

    machine_code = _optimised(asking.advance_asking.signatures[0], asking.advance_asking)

    assert len(machine_code) > 100_000
    assert not re.search(r"call[^\n]*NRT_(incref|decref|MemInfo)", machine_code)


def test_no_operation_may_be_reordered(machine_code):
    assert re.search(r"= fmul double", machine_code)
    assert not re.search(r"= f(add|sub|mul|div) [a-z ]*(fast|reassoc|contract)", machine_code)


def test_the_disk_cache_is_keyed_by_the_source_of_every_room():
    """Numba would look at the caller's file only, and run old machine code after a change."""
    asked = (asking.advance_asking, intents.take_order, intents.take_target, intents.end_decision)
    own = (kernel.advance, kernel.end_segment, kernel.book_fill, kernel.close_order)
    for entry in (*own, *asked):
        assert entry._cache._cache_file._source_stamp == compiled.ENGINE_VERSION


def test_the_version_is_that_of_the_source():
    assert compiled._source_hash() == compiled.ENGINE_VERSION
    assert re.fullmatch("[0-9a-f]{64}", compiled.ENGINE_VERSION)


@compiled.entry
def _times(factor: float, count: int) -> float:
    """Multiply, as an entry of the machine would."""
    return factor * count


def test_a_chosen_entry_takes_numbers_as_its_annotations_say():
    code = compiled.chosen(_times, (2, 3))  # not by the 2: a 0.5 would become 0 in what it gives

    assert code(0.5, 3) == 1.5
    assert [str(kind) for kind in _times.signatures[0]] == ["float64", "int64"]
