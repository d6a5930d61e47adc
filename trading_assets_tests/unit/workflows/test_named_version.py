"""What people type leads to one version, or is refused."""

import polars as pl
import pytest

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import VendorObject
from trading_assets.storage import pointers
from trading_assets.workflows.named_version import find_versions

BTC, MARCH, APRIL = Symbol("BTCUSDT"), Month(2024, 3), Month(2024, 4)
PLACE = "bars_1m/BTCUSDT/2024-03"


@pytest.fixture
def desk(make_desk):
    return make_desk(TA_SYMBOLS='["BTCUSDT"]')


def put(desk, value):
    frame = pl.DataFrame({"value": [value]})
    return desk.tables.publish("bars_1m", BTC, MARCH, frame, code_version="1", parents={})[0]


def fetch(desk, month, data):
    described = VendorObject("all.zip", "zip_csv", MARCH.start, APRIL.end, True, shared=True)
    return desk.raw.publish(
        "archive", BTC, month, [(described, data)], start=None, end=month.end
    )[0]  # fmt: skip


def test_an_address_means_the_current_version_unless_it_says_which(desk):
    old, new = put(desk, 1), put(desk, 2)
    assert find_versions(desk, PLACE) == ((PLACE, new.version),)
    assert find_versions(desk, f"{PLACE}@1") == ((PLACE, old.version),)
    assert find_versions(desk, f"{PLACE}@{old.version[:12]}") == ((PLACE, old.version),)


def test_the_path_of_a_manifest_means_its_version(desk):
    put(desk, 1)
    new = put(desk, 2)
    raw = fetch(desk, MARCH, b"x")
    manifest = desk.tables.folder("bars_1m", BTC, MARCH) / "manifest-2.json"
    assert find_versions(desk, str(manifest)) == ((PLACE, new.version),)
    manifest = desk.raw.folder("archive", BTC, MARCH) / "manifest-1.json"
    assert find_versions(desk, str(manifest)) == (("raw_klines/BTCUSDT/2024-03", raw.version),)


def test_a_hash_of_a_file_means_every_version_that_lists_it(desk):
    bars = put(desk, 1)
    raws = [fetch(desk, month, b"all history") for month in (MARCH, APRIL)]
    sha256 = raws[0].objects[0].sha256
    expected = [(f"raw_klines/BTCUSDT/{raw.month}", raw.version) for raw in raws]
    assert sorted(find_versions(desk, sha256)) == expected
    assert sorted(find_versions(desk, sha256[:8])) == expected
    assert find_versions(desk, bars.file_sha256) == ((PLACE, bars.version),)


def test_raw_months_and_models_have_addresses_too(desk):
    raw = fetch(desk, MARCH, b"x")
    facts = {"model_id": "m" * 64, "inputs": "i", "parents": {}, "files": {}}
    facts |= {"document": "", "booster": "", "card": "", "probe": {}, "summary": {}}
    folder = desk.models.root / f"month={MARCH}"
    pointers.publish_exclusive(folder, "model-1h", pointers.sealed(facts))
    name = "raw_klines/BTCUSDT/2024-03"
    assert find_versions(desk, name) == ((name, raw.version),)
    name = "forecast_model/1h/2024-03"
    assert find_versions(desk, name) == ((name, "m" * 64),)


@pytest.mark.parametrize(
    "text",
    ["bars_1m", "bars_1m/ETHUSDT/2024-03", f"{PLACE}@7", f"{PLACE}@abcdef", "deadbeef",
     "../x/y", "manifest-1.json", "raw_klines/BTCUSDT/2024-09"],
)  # fmt: skip
def test_what_names_nothing_is_refused(desk, text):
    put(desk, 1)
    with pytest.raises(MissingPartition, match="Nothing is named"):
        find_versions(desk, text)
