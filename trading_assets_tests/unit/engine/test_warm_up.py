import os
import subprocess
import sys

import pytest


def _compiled_after(cache, program):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run([sys.executable, *program], env=environment, check=True)
    return {path.name for path in cache.rglob("*.nbc")}


@pytest.mark.slow
def test_after_a_warm_up_no_process_compiles(tmp_path):
    warm = ["-m", "trading_assets.engine.warm_up"]
    first = _compiled_after(tmp_path, warm)
    assert any("advance" in name for name in first)
    assert _compiled_after(tmp_path, warm) == first
