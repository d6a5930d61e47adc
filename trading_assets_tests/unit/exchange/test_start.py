"""What it takes to start: no library that the exchange has no use for."""

import json
import subprocess
import sys

HEAVY = {
    "dagster",
    "mlflow",
    "numba",
    "llvmlite",
    "polars",
    "pyarrow",
    "duckdb",
    "pandas",
    "lightgbm",
    "sklearn",
    "matplotlib",
    "binance",
}


def test_serving_loads_nothing_heavy():
    code = """if True:
        import json, sys, urllib.request
        import trading_assets.interfaces.cli.exchange
        from trading_assets.exchange.server import ExchangeConfig, running_exchange
        with running_exchange(ExchangeConfig()) as running:
            for path in ("", "api/v3/exchangeInfo", "api/v3/klines?symbol=BTCUSDT&interval=1m"):
                urllib.request.urlopen(f"{running.url}/{path}").read()
        print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(done.stdout)) == set()
