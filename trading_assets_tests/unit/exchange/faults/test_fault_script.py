"""Faults from files: scripts with market times, and rates drawn by a seed."""

import json
from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.faults.kinds import Kind
from trading_assets.exchange.faults.script import PROFILES, rates_from, script_from

YAML = """
- kind: status
  status: 503
  from: 2024-03-01T12:00:10Z
  until: "2024-03-01T12:00:20Z"
- {kind: balance_set, account: demo, asset: USDT, free: "7.5", at: 1709294430000}
"""


def test_a_script_reads_the_same_in_every_form(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text(YAML)
    faults = script_from(path)
    assert [fault.kind for fault in faults] == [Kind.STATUS, Kind.BALANCE_SET]
    assert faults[1].settings["free"] == Decimal("7.5")
    assert faults[1].start == 1_709_294_430_000_000
    lines = tmp_path / "faults.jsonl"
    lines.write_text("\n".join(json.dumps(fault.plain()) for fault in faults))
    whole = tmp_path / "faults.json"
    whole.write_text(json.dumps([fault.plain() for fault in faults]))
    assert script_from(lines) == script_from(whole) == faults


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "kind: delay", "not a script of faults"),
        ("a.yaml", "- {kind: delay, ms: 3}", "Fault 1 of"),
        ("a.yaml", "- {kind: delay", "no YAML"),
        ("a.jsonl", '{"kind": "drop_reply"}\n{', "a line that is no JSON"),
        ("a.jsonl", '{"kind": "drop_reply"}\n{"kind": "dorp"}', "Fault 2 of"),
    ],
)
def test_what_is_no_script_says_where(tmp_path, name, text, says):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        script_from(path)


def test_a_missing_script_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="Cannot read"):
        script_from(tmp_path / "gone.yaml")


def test_rates_come_from_a_profile_or_a_file(tmp_path):
    assert all(rates_from(name, 1).chances for name in PROFILES)
    path = tmp_path / "rates.yaml"
    path.write_text("drop_reply: 0.25\ndelay: {rate: 1, after_ms: 5, match: {method: GET}}\n")
    (reply, delay) = rates_from(str(path), 3).chances
    assert (reply[0], delay[0], delay[1].settings["after_ms"]) == (0.25, 1, 5)
    for text in ("drop_reply: 2", "drop_reply: yes", "halt_symbol: {rate: 0.1, symbol: X}", "- 1"):
        path.write_text(text)
        with pytest.raises(ConfigurationError):
            rates_from(str(path), 3)
    with pytest.raises(ConfigurationError, match="a profile: light"):
        rates_from("heavy", 3)


def test_a_script_strikes_by_market_time(wired, tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text(YAML)
    with wired(faults=script_from(path)) as wire:
        assert wire.get("ping").status_code == 200
        wire.sim("step", seconds=10)
        assert [wire.get("ping").status_code for _ in range(3)] == [503] * 3
        wire.sim("step", seconds=10)
        assert wire.get("ping").status_code == 200
        wire.sim("step", seconds=60)
        rows = wire.ledger()["faults"]
    assert [row["kind"] for row in rows] == ["status"] * 3 + ["balance_set"]


def test_a_seed_strikes_the_same_requests_again(wired, tmp_path):
    path = tmp_path / "rates.yaml"
    path.write_text("{status: {rate: 0.3, status: 503}}")

    def run(seed):
        with wired(fault_rates=rates_from(str(path), seed)) as wire:
            return [wire.get("ping").status_code for _ in range(60)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 8 < run(1).count(503) < 30


def test_rates_about_what_is_not_there_do_not_start(wired, tmp_path):
    path = tmp_path / "rates.yaml"
    path.write_text("drop_reply: {rate: 0.5, match: {symbol: NOPEUSDT}}")
    with (
        pytest.raises(ConfigurationError, match="symbol: one of"),
        wired(fault_rates=rates_from(str(path), 1)),
    ):
        pass
