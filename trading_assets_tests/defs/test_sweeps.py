"""Sweep files become assets, without loading what runs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from trading_assets.defs.assets.sweeps import SWEEPS
print(*sorted(asset.key.to_user_string() for asset in SWEEPS))
print(*sorted({"numba", "optuna", "mlflow", "matplotlib"} & set(sys.modules)))
"""


def test_a_sweep_file_is_an_asset_and_its_folds_another(tmp_path):
    shutil.copytree(ROOT / "docs/examples/sweeps", tmp_path / "sweeps")
    environment = {**os.environ, "TA_SPECS_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )

    assert found.stdout.splitlines() == ["sweep/ema_spans walk_forward/ema_spans", ""]
