"""How the machine is compiled."""

import json
import os
import re
import subprocess
import sys
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


_RUN = """
import json
import numpy as np, polars as pl
import trading_assets as ta
from trading_assets.engine import kernel
ts = pl.Series("ts", np.arange(1, 601) * 300_000_000).cast(pl.Datetime("us", "UTC"))
close = 100 + np.round(9 * np.sin(np.arange(600) / 20), 2)
names = ("open", "high", "low", "close", "volume")
bars = pl.DataFrame([ts, *(pl.Series(n, close) for n in names)])
spec = {"name": "s", "strategy": "ema_trend", "symbols": ["BTCUSDT"], "cash": 1000,
        "params": {"fast": 3, "slow": 9}, "sizing": {"mode": "fixed", "qty": "0.1"}}
run = ta.Backtest(spec, bars, tick="0.01", lot="0.001").run()
stats = kernel.advance.stats
print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values()),
                  run.num_trades, run.log.final_state_hash]))
"""


@pytest.mark.slow  # an empty cache is filled
def test_a_second_process_finds_the_machine_compiled(tmp_path):
    environ = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", _RUN],
                env=environ,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]
    first, second = found
    assert first[:2] == [0, 1]
    assert second[:2] == [1, 0]
    assert first[2:] == second[2:]
    assert first[2] > 3


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
