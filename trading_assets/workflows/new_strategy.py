"""Write a strategy to begin with: a small one that works, its spec and its test."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from trading_assets.domain.errors import ConfigurationError, ConflictError
from trading_assets.settings import Settings
from trading_assets.strategies.registry import registry
from trading_assets.strategies.spec import SHIPPED_SPECS

FORMS = ("on_bar", "target")
"""Asked at every close, or columns over whole frames."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_ON_BAR = Template('''\
"""Breakout: hold once the close leaves the range of the bars before, until it falls out of it."""

from dataclasses import dataclass

from trading_assets.strategies.asked import AskedStrategy


@dataclass(frozen=True)
class $cls(AskedStrategy):
    weight: float = 1.0  # fields are parameters: a spec sets them, and their hash is in every run

    name = "$name"
    lookback = 24  # bars that the view shows

    def on_bar(self, view, state):
        if view.lots == 0 and view.price > view.high[:-1].max():
            return view.buy(self.weight)
        if view.lots > 0 and view.price < view.low[:-1].min():
            return view.exit()
        return []
''')

_TARGET = Template('''\
"""Momentum: hold while the close is above the close so many bars before."""

from dataclasses import dataclass

import polars as pl

from trading_assets.strategies.columns import TargetStrategy


@dataclass(frozen=True)
class $cls(TargetStrategy):
    bars: int = 24  # fields are parameters: a spec sets them, and their hash is in every run

    name = "$name"

    @property
    def warm_up(self):
        return self.bars * self.bar_size  # how far back a row looks

    def signals(self, frame):
        rising = pl.col("close") > pl.col("close").shift(self.bars)
        return frame.select("ts", target=rising.cast(pl.Float64))
''')

_SPEC = Template("""\
# What is traded, how large, at what cost; it is the asset backtest/$name of the graph.
name: $name
description: A strategy of mine.
strategy: $name:$cls
symbols: [$symbol]
bar_size: 5m  # or 1m, 15m, 1h, 1d
cash: 10000
quote: $quote
sizing: {mode: pct_of_equity, pos_pct: 50.0, rebalance_pct: 10.0}
costs: {fees_bps: 10.0, slippage_bps: 3.0}
""")

_TEST = Template('''\
"""$cls: it trades, it repeats itself to the byte, and it knows no future."""

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

import trading_assets as ta

SPEC = Path(__file__).with_name("$name.yaml")


def waves(n=2000):
    """Bars of five minutes that rise and fall for half a day each, with ripples on top."""
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    close = [round(100 + 5 * math.sin(i / 25) + math.sin(i / 3), 2) for i in range(n)]
    opened = [close[0], *close[:-1]]
    return pl.DataFrame(
        {
            "ts": [start + timedelta(minutes=5 * i) for i in range(n)],
            "open": opened,
            "high": [max(a, b) + 0.05 for a, b in zip(opened, close)],
            "low": [min(a, b) - 0.05 for a, b in zip(opened, close)],
            "close": close,
            "volume": [10.0] * n,
        }
    )


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("TA_STRATEGIES_DIR", str(SPEC.parent))
    return lambda bars: ta.Backtest(SPEC, bars, tick="0.01", lot="0.001").run()


def test_it_trades_and_repeats_itself(run):
    result = run(waves())
    assert result.fills.height > 10
    assert run(waves()).result_hash == result.result_hash


def test_it_knows_no_future(run):
    bars = waves()
    changed = bars.with_columns(
        pl.when(pl.int_range(pl.len()) < 1000).then(pl.col(name)).otherwise(pl.col(name) * 2)
        for name in ("open", "high", "low", "close")
    )
    whole, other = run(bars).equity, run(changed).equity
    assert whole.head(1000).equals(other.head(1000))
    assert not whole.equals(other)
''')


def new_strategy(settings: Settings, name: str, form: str = FORMS[0]) -> tuple[Path, ...]:
    """Write `<name>.py`, `<name>.yaml` and `test_<name>.py` into the user's folder of strategies.

    Args:
        settings: name the folder (`strategies_dir`, created if need be) and the first symbol.
        name: of module, strategy and spec: `a-z0-9_`, beginning with a letter.
        form: one of FORMS.

    Returns:
        The files.

    Raises:
        ConfigurationError: if the name is none, or taken by what is shipped.
        ConflictError: if a file is there already; nothing is overwritten.
    """
    if form not in FORMS:
        raise ConfigurationError("No such form", expected=f"one of {', '.join(FORMS)}", found=form)
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name.startswith("test_"):
        raise ConfigurationError(
            "Not a name for a strategy",
            expected="a-z, 0-9 and _, beginning with a letter, such as breakout",
            found=repr(name)[:60],
        )
    if name in registry() or (SHIPPED_SPECS / f"{name}.yaml").is_file():
        raise ConfigurationError(
            "The name is taken", expected="a name that nothing shipped has", found=name
        )
    symbol = settings.symbols[0]
    values = {
        "name": name,
        "cls": "".join(part.capitalize() for part in name.split("_")),
        "symbol": symbol,
        "quote": "USDT",
    }
    folder = settings.strategies_dir
    texts = {
        folder / f"{name}.py": _ON_BAR if form == "on_bar" else _TARGET,
        folder / f"{name}.yaml": _SPEC,
        folder / f"test_{name}.py": _TEST,
    }
    for path in texts:
        if path.exists():
            raise ConflictError(
                "A strategy of that name is there already",
                expected=f"no file {path.name} in {folder}",
                found=str(path),
                fix="Choose another name, or move the file away.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text.substitute(values), encoding="utf-8")
    return tuple(texts)
