"""Bad input through the command line: a message and a code, no traceback, nothing half written.

Bars of the desk come from `publish`, which refuses rows out of their order; what else may be wrong
with them has to be found by whoever reads them.
"""

import sys

import polars as pl
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.interfaces.cli import main
from trading_assets.market.bar_frame import AMOUNTS, RESAMPLED_SCHEMA
from trading_assets_tests.unit.workflows.runs.conftest import FEBRUARY, bars_of

ROW = 77
TIME = "2024-02-01 06:25:00+00:00"
SPEC = """
name: mine
strategy: ema_trend
params: {fast: 3, slow: 9}
symbols: [SOLUSDT]
cash: 10000
sizing: {mode: fixed, qty: 1}
"""
SWEEP = """
name: mine
spec: mine
sweep:
  metric: net_pnl
  space: {fast: [3, 5]}
walk_forward: {train_days: 4, test_days: 2}
"""
COMMANDS = [["backtest", "mine"], ["sweep", "mine"], ["walk-forward", "mine"]]


@pytest.fixture
def home(desk, monkeypatch):
    """The folder of a desk with a spec and a sweep of one's own."""
    home = desk.settings.home
    monkeypatch.chdir(home)
    for name, value in {
        "TA_HOME": str(home),
        "TA_SYMBOLS": '["BTCUSDT","SOLUSDT"]',
        "TA_SPECS_DIR": "own",
        "TA_STRATEGIES_DIR": "strategies",
    }.items():
        monkeypatch.setenv(name, value)
    (home / "own/sweeps").mkdir(parents=True)
    (home / "own/mine.yaml").write_text(SPEC)
    (home / "own/sweeps/mine.yaml").write_text(SWEEP)
    return home


@pytest.fixture
def told(home, monkeypatch, capsys):
    """Run a command as the program does; give its code, its messages, and the files it left."""

    def run(*arguments):
        before = files(home)
        monkeypatch.setattr(sys, "argv", ["trading-assets", *arguments])
        monkeypatch.setenv("COLUMNS", "400")
        with pytest.raises(SystemExit) as ended:
            main.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return ended.value.code, captured.err, files(home) - before

    return run


def files(home):
    found = (path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)) for path in found if "cache" not in path.parts}


def spoil(column, value):
    def change(frame):
        at = pl.int_range(pl.len()) == ROW
        changed = pl.when(at).then(pl.lit(value)).otherwise(pl.col(column))
        return frame.with_columns(changed.cast(frame.schema[column]).alias(column))

    return change


def twice(frame):
    return pl.concat([frame.head(ROW + 1), frame.slice(ROW)])


def lay(desk, change):
    frame = bars_of("SOLUSDT", 1).filter(pl.col("ts").dt.month() == 2)
    desk.tables.publish(
        "bars_5m",
        "SOLUSDT",
        FEBRUARY,
        change(frame),
        code_version="1",
        parents={},
        extra={"source": "embedded"},
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (spoil("close", float("nan")), "finite"),
        (spoil("low", -1.0), "positive"),
        (spoil("high", 1.0), "low"),
        (twice, "twice"),
        (spoil("volume", -1.0), "volume"),
    ],
    ids=["nan", "negative", "high_below_low", "twice", "volume"],
)
def test_a_bad_bar_of_the_desk_ends_a_command_with_its_time_and_symbol(
    desk, told, command, change, rule
):
    lay(desk, change)

    code, message, written = told(*command)

    assert code == 2
    assert f"Bar of SOLUSDT at {TIME}" in message
    assert rule in message
    assert written == set()


def test_rows_out_of_their_order_never_reach_a_command(desk):
    with pytest.raises(DataError, match="not in the order of their time"):
        lay(desk, lambda frame: frame.reverse())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
@pytest.mark.parametrize("step", ["tick", "lot"])
def test_a_step_of_zero_ends_a_command_with_the_symbol_and_its_name(
    home, told, monkeypatch, command, step
):
    monkeypatch.setenv(f"TA_INSTRUMENTS__SOLUSDT__{step.upper()}", "0")

    code, message, written = told(*command)

    assert code == 2
    assert step in message
    assert "SOLUSDT" in message
    assert written == set()


STRATEGIES = """
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import polars as pl

from trading_assets import BracketStrategy, TargetStrategy


@dataclass(frozen=True)
class Text(TargetStrategy):
    fast: int = 3
    name: ClassVar[str] = "wrong"
    warm_up = timedelta()

    def signals(self, frame):
        return frame.select("ts", target=pl.lit("long"))


@dataclass(frozen=True)
class Short(Text):
    def signals(self, frame):
        return frame.select("ts", target=pl.lit(1.0)).head(9)


@dataclass(frozen=True)
class Nameless(Text):
    def signals(self, frame):
        return frame.select("ts", targt=pl.lit(1.0))


@dataclass(frozen=True)
class Endless(Text):
    def signals(self, frame):
        return frame.select("ts", target=pl.lit(float("inf")))


@dataclass(frozen=True)
class WrongSide(BracketStrategy):
    fast: int = 3
    name: ClassVar[str] = "wrong"
    warm_up = timedelta()

    def signals(self, frame):
        at = pl.col("close")
        return frame.select("ts", long_entry=at + 1, sl_long=at + 2, tp_long=at + 3)
"""


def write_own(home, kind):
    (home / "strategies").mkdir()
    (home / "strategies/wrong.py").write_text(STRATEGIES)
    spec = SPEC.replace("ema_trend", f"wrong:{kind}").replace("{fast: 3, slow: 9}", "{}")
    (home / "own/mine.yaml").write_text(spec)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("Text", "target is not a number"),
        ("Short", "breaks its protocol"),
        ("Nameless", "breaks its protocol"),
        ("Endless", "SOLUSDT at 2024-01-12 00:00:00+00:00 is infinite"),
    ],
)
def test_signals_of_a_wrong_kind_end_a_command_by_what_is_wrong(home, told, command, kind, problem):
    write_own(home, kind)

    code, message, written = told(*command)

    assert code == 2
    assert problem in message
    assert "expected:" in message
    assert written == set()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("costs: {fee_bps: 3}", "costs.fee_bps"),
        ("leverage: 3", "leverage"),
        ("sizing: {mode: fixed, qty: 1}", "sizing again in line 8"),
        ("rules: {participation_pct: 101}", "participation_pct"),
        ("limits: {max_order_notional: -5}", "limits.max_order_notional"),
    ],
)
def test_a_key_that_no_spec_has_ends_a_command_with_file_and_key(home, told, line, named):
    (home / "own/mine.yaml").write_text(f"{SPEC}{line}\n")

    code, message, written = told("backtest", "mine")

    assert code == 2
    assert "mine.yaml" in message
    assert named in message
    assert "expected:" in message
    assert written == set()


@pytest.mark.parametrize(
    ("command", "code", "named"),
    [
        (["backtest", "mine", "--from", "2030-01-01"], 1, "no month to run on"),
        (["backtest", "mine", "--from", "someday"], 2, "someday"),
        (["backtest", "mine", "--from", "2024-02-02", "--to", "2024-02-01"], 2, "span is empty"),
        (["backtest", "none"], 2, "none"),
        (["sweep", "none"], 2, "none"),
        (["walk-forward", "none.yaml"], 2, "none.yaml"),
        (["runs", "compare", "mine", "none"], 2, "mine"),
    ],
)
def test_dates_and_names_that_are_not_there_are_told(home, told, command, code, named):
    found, message, written = told(*command)

    assert found == code
    assert named in message
    assert written == set()


@pytest.mark.parametrize("command", COMMANDS[1:], ids=lambda c: c[0])
def test_a_sweep_of_months_that_are_not_there_is_told(home, told, monkeypatch, command):
    monkeypatch.setenv("TA_HISTORY_START", "2026-01")

    code, message, written = told(*command)

    assert code == 2
    assert "no month to run on" in message
    assert written == set()


def of_run(home, written, file):
    (name,) = (n for n in written if n.startswith("data/runs/") and n.endswith(f"/{file}"))
    return home / name


@pytest.mark.parametrize(
    ("line", "rule"),
    [("limits: {max_order_notional: 5}", "max_order_notional"), ("", "bad_bracket")],
    ids=["above_a_cap", "stop_on_the_wrong_side"],
)
def test_an_order_that_is_refused_is_a_row_with_bar_time_symbol_and_rule(home, told, line, rule):
    if line:
        (home / "own/mine.yaml").write_text(f"{SPEC}{line}\n")
    else:
        write_own(home, "WrongSide")

    code, _, written = told("backtest", "mine", "--json")

    assert code in {0, None}
    path = of_run(home, written, "refusals.parquet")
    rows = pl.read_parquet(path)
    assert rows.height > 0
    assert set(rows["rule"]) == {rule}
    assert set(rows["symbol"]) == {"SOLUSDT"}
    assert rows["ts_utc"].null_count() == 0


def test_without_volume_participation_fills_nothing_and_without_a_column_nothing_runs(
    desk, home, told
):
    (home / "own/mine.yaml").write_text(f"{SPEC}rules: {{participation_pct: 10}}\n")
    lay(desk, lambda frame: frame.with_columns(volume=pl.lit(0.0)))
    code, _, written = told("backtest", "mine", "--from", "2024-02-01")
    path = of_run(home, written, "trades.parquet")
    assert code in {0, None}
    assert pl.read_parquet(path).height == 0
    unknown = {name: pl.lit(None, RESAMPLED_SCHEMA[name]) for name in AMOUNTS}
    lay(desk, lambda frame: frame.with_columns(**unknown))

    for command in COMMANDS:
        code, message, written = told(*command)
        assert (code, written) == (2, set())
        assert "SOLUSDT" in message
        assert "volume" in message
