"""Clients that we did not write, each in an environment of its own, against the exchange.

`make clients` builds the environments; a script there runs all checks of one client and every
verdict becomes a test here.
"""

import ast
import json
import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from trading_assets.exchange.server import ExchangeConfig, running_exchange

HERE = Path(__file__).parent / "clients"
ENVIRONMENTS = Path(__file__).parents[2] / ".venv-clients"
NOON = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z
PATIENCE_S = 300
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
STEPPED = {"stepped": True}
RUNNING = {"warp": 30}


def checks_of(script):
    tree = ast.parse((HERE / script).read_text())
    names = [node.name for node in tree.body if isinstance(node, FUNCTIONS)]
    return [name for name in names if name.startswith("check_")]


SCRIPTS = {
    "ccxt_rest.py": ("ccxt", STEPPED),
    "ccxt_pro.py": ("ccxt", RUNNING),
    "sdk_rest.py": ("binance_sdk", STEPPED),
    "sdk_streams.py": ("binance_sdk", STEPPED),
}
CASES = [(script, check) for script in SCRIPTS for check in checks_of(script)]


@cache
def verdicts_of(script):
    environment, clock = SCRIPTS[script]
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is not there: make clients")
    settings = {"start": NOON, "sim_controls": True, "weight_limit": 1_000_000, **clock}
    with running_exchange(ExchangeConfig(**settings)) as running:
        done = subprocess.run(
            [python, HERE / script, running.url],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("script", "check"), CASES)
def test_a_foreign_client_finds_what_it_expects(script, check):
    verdict = verdicts_of(script)[check]
    assert not verdict, verdict
