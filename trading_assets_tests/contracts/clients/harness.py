"""Runs the checks of one foreign client in its own environment; prints their verdicts as JSON."""

import asyncio
import inspect
import json
import sys
import traceback
import urllib.request
from decimal import Decimal

PATIENCE_S = 40
BTC, SOL = "BTCUSDT", "SOLUSDT"


class Exchange:
    """The exchange under test, as a test drives it from outside."""

    def __init__(self, url):
        self.url = url

    def sim(self, name, **wish):
        request = urllib.request.Request(f"{self.url}/_sim/{name}", json.dumps(wish).encode())  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}{path}") as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def away(self, factor, symbol=SOL):
        """Give a price at `factor` times the last one, on the grid."""
        last = Decimal(self.get(f"/api/v3/ticker/price?symbol={symbol}")["price"])
        return str((last * Decimal(factor)).quantize(Decimal("0.01")))


def raises(kind, call, *arguments, **named):
    """Give what a call raises; it must be of that kind."""
    try:
        answer = call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {answer!r}")


def main(checks, *arguments):
    """Run every check on its own; a verdict is empty when it holds, else what went wrong."""
    verdicts = {}
    for name, check in checks.items():
        if not name.startswith("check_"):
            continue
        try:
            found = check(*arguments)
            if inspect.iscoroutine(found):
                asyncio.run(asyncio.wait_for(found, PATIENCE_S))
            verdicts[name] = ""
        except Exception:  # a verdict, whatever it is
            verdicts[name] = traceback.format_exc()
    sys.stdout.write(json.dumps(verdicts))
