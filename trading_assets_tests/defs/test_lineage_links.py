"""A failed check says what rests on its partition, and stays failed when that cannot be told."""

import polars as pl
import pytest

from trading_assets import bootstrap
from trading_assets.defs.lineage_links import RADIUS, trace_commands, with_radius
from trading_assets.defs.partition_events import Finding
from trading_assets.domain.ids import Month, Symbol
from trading_assets.settings import load_settings

BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)
FINDINGS = [Finding("sane", False, {"odd": 1}), Finding("fresh", True)]


@pytest.fixture
def desk(tmp_path):
    """Bars, and features that were made of them."""
    made = bootstrap.desk(load_settings({"TA_HOME": str(tmp_path)}).settings)
    parents = {}
    for table in ("bars_1m", "features_5m"):
        frame = pl.DataFrame({"value": [len(table)]})
        manifest, _ = made.tables.publish(
            table, BTC, MARCH, frame, code_version="1", parents=parents
        )
        parents = {manifest.address: manifest.version}
    return made


def failed(desk):
    bad, good = with_radius(desk, "bars_1m", "2024-03|BTCUSDT", FINDINGS)
    assert good == FINDINGS[1]
    assert (bad.check, bad.passed, bad.metadata["odd"]) == ("sane", False, 1)
    return bad.metadata


def test_a_failed_check_lists_what_rests_on_its_partition_and_the_command(desk):
    told = failed(desk)
    assert told[RADIUS].value == {"partitions": ["features_5m/BTCUSDT/2024-03"]}
    assert told["command"] == "trading-assets blast-radius bars_1m/BTCUSDT/2024-03@1"
    assert with_radius(desk, "bars_1m", "2024-03|BTCUSDT", FINDINGS[1:]) == FINDINGS[1:]


def test_a_damaged_record_elsewhere_hides_no_failed_check(desk):
    (path,) = desk.tables.folder("features_5m", BTC, MARCH).glob("manifest-*.json")
    path.chmod(0o644)
    path.write_text("{}")
    ((why,),) = failed(desk)[RADIUS].value.values()
    assert "features_5m" in why


def test_each_order_has_its_command():
    told = trace_commands("paper", [{"client_order_id": "ta-1"}, {"client_order_id": "ta-2"}])
    assert told.value.splitlines()[1:3] == [
        "trading-assets trace ta-1 --book paper",
        "trading-assets trace ta-2 --book paper",
    ]
