"""How the machine is compiled."""

import re
from functools import cache

import pytest

from trading_assets.engine import asking, intents, kernel
from trading_assets.portfolio import compiled


@pytest.fixture
def machine_code(trade):
    """Give the optimised LLVM text of the loop, everything that it calls included."""
    trade((1, 100.0))
    return _optimised(kernel.advance.signatures[0])


@cache  # compiling takes many seconds, and gives every test the same
def _optimised(signature):
    fresh = _fresh(kernel.advance)
    fresh.compile(signature)
    return fresh.inspect_llvm(signature)


def _fresh(dispatcher):
    """The same function uncompiled: what was loaded from the cache has no LLVM text."""
    from numba import jit

    return jit(**dispatcher.targetoptions)(dispatcher.py_func)


def test_nothing_is_allocated_and_no_reference_counted_in_the_compiled_step(machine_code):
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
