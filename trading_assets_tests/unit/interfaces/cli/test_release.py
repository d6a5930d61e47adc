"""What `release check` says of the data behind a book's release."""

from __future__ import annotations

import json
from decimal import Decimal

import polars as pl
import pytest
from typer.testing import CliRunner

from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.domain.instrument import Instrument
from trading_assets.interfaces.cli.main import app
from trading_assets.settings import load_settings
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec

JANUARY = Month(2024, 1)
SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    return open_desk(load_settings().settings)


def _put(desk, values):
    ts = [JANUARY.start + n * 60_000_000 for n in range(len(values))]
    stamps = pl.Series(ts).cast(pl.Datetime("us", "UTC"))
    frame = pl.DataFrame({"ts": stamps, "value": values})
    made, _ = desk.tables.publish(
        "bars_1m", "SOLUSDT", JANUARY, frame, code_version="1", parents={}
    )
    return made


def _publish(desk, bars, spec_text):
    spec = parse_spec(spec_text, where="test")
    facts = {
        "decision_id": "d" * 64,
        "order_types": ["MARKET"],
        "models": {},
        "inputs": {bars.address: bars.version},
        "instruments": [instrument_to_plain(SOL)],
    }
    files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
    return desk.releases.publish("paper", facts, files, after=None)[0].release_id


def _check(*arguments):
    result = CliRunner().invoke(app, ["release", "check", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def test_data_that_are_what_they_were_are_said_to_be_and_restated_data_end_with_1(desk, spec_text):
    bars = _put(desk, [1.0, 2.0, 3.0])
    name = _publish(desk, bars, spec_text)
    _put(desk, [1.0, 2.0, 3.0, 4.0])
    assert _check() == (0, f"Release {name}: 0 findings.\n")
    assert _check("--json") == (0, "[]\n")

    restated = _put(desk, [1.0, 2.5, 3.0])
    detail = f"version {bars.version[:16]} was used, {restated.version[:16]} is current"
    code, said = _check("--book", "paper")
    assert code == 1
    assert said == f"{bars.address} is restated: {detail}\nRelease {name}: 1 findings.\n"
    code, said = _check("--json")
    assert code == 1
    assert json.loads(said) == [{"address": bars.address, "kind": "restated", "detail": detail}]


def test_a_book_without_a_release_cannot_be_checked(desk):
    with pytest.raises(MissingPartition, match="release"):
        _check()
