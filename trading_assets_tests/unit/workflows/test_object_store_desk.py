"""The whole way from vendor to bars, with tables and raw files in an object store."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.errors import ConfigurationError, ConflictError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import VendorObject
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.raw_store import RawStore
from trading_assets.storage.roots import folder_at
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.query_tables import query_tables

BTC, MARCH = Symbol("BTCUSDT"), Month(2020, 3)


def frame(first: int) -> pl.DataFrame:
    return pl.DataFrame({"value": range(first, first + 5)})


@pytest.fixture
def store(s3_url: str) -> PartitionStore:
    return PartitionStore(f"{s3_url}/tables")


def publish(store: PartitionStore, first: int) -> int:
    manifest, _ = store.publish("t", BTC, MARCH, frame(first), code_version="1", parents={})
    return manifest.n


def test_versions_are_published_read_and_verified_as_on_a_disk(store: PartitionStore) -> None:
    assert store.tables() == ()
    assert [publish(store, n) for n in (0, 0, 10)] == [1, 1, 2]
    first, second = store.history("t", BTC, MARCH)
    assert_frame_equal(store.read("t", BTC, MARCH), frame(10))
    assert_frame_equal(store.read_manifest(first), frame(0))
    assert str(store.path(second)).startswith("s3://bucket-")
    assert second.published_at >= first.published_at > 1_700_000_000_000_000
    assert (store.tables(), store.symbols("t"), store.months("t", BTC)) == (
        ("t",),
        (BTC,),
        (MARCH,),
    )
    verification = store.verify()
    assert (verification.files, verification.faults) == (2, ())
    path = store.path(first)
    folder = folder_at(path.parent)
    folder.delete(path.name)
    folder.create(path.name, b"rot")
    (fault,) = store.verify().faults
    assert f"File {path} is damaged" in str(fault)


def test_of_two_writers_of_an_object_store_one_loses(
    store: PartitionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, 0)
    current = PartitionStore.current

    def with_a_rival(self: PartitionStore, *key: object) -> object:
        found = current(self, *key)  # type: ignore[arg-type]
        monkeypatch.setattr(PartitionStore, "current", current)
        publish(self, 10)
        return found

    monkeypatch.setattr(PartitionStore, "current", with_a_rival)
    with pytest.raises(ConflictError, match="Nothing was overwritten"):
        publish(store, 20)
    assert_frame_equal(store.read("t", BTC, MARCH), frame(10))


@pytest.mark.slow
def test_a_month_comes_from_the_vendor_to_bars_through_an_object_store(
    archive_desk: Desk, archive: object, s3_url: str, make_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH)  # type: ignore[attr-defined]
    local = market_month(archive_desk, BTC, MARCH)
    desk = make_desk(
        TA_SOURCE="archive",
        TA_ARCHIVE_ROOT=str(archive.root),  # type: ignore[attr-defined]
        TA_SYMBOLS='["BTCUSDT"]',
        TA_HISTORY_START="2020-01",
        TA_TABLES_ROOT=f"{s3_url}/tables",
        TA_RAW_ROOT=f"{s3_url}/raw",
        TA_DATA_ROOT="elsewhere",
    )
    remote = market_month(desk, BTC, MARCH)
    assert [(p.table, p.version) for p in remote] == [(p.table, p.version) for p in local]
    assert_frame_equal(
        desk.tables.read("bars_5m", BTC, MARCH), archive_desk.tables.read("bars_5m", BTC, MARCH)
    )
    assert not any(published.changed for published in market_month(desk, BTC, MARCH))
    assert (desk.raw.verify().files, desk.raw.verify().faults) == (1, ())
    assert desk.tables.verify().faults == ()
    assert not Path(desk.settings.data_root, "tables").exists()
    with pytest.raises(ConfigurationError, match="no file of this machine"):
        query_tables(desk, "SELECT count(*) FROM bars_5m")


def test_nothing_is_removed_where_writers_hold_no_lock(store: PartitionStore) -> None:
    for n in (0, 10):
        publish(store, n)
    counted = store.remove(("t", BTC, MARCH), [1], before=0, delete=False)
    assert (counted.manifests, counted.files) == (1, 1)
    with pytest.raises(ConfigurationError, match="has no locks"):
        store.remove(("t", BTC, MARCH), [1], before=0, delete=True)
    assert len(store.history("t", BTC, MARCH)) == 2


def test_raw_objects_are_noted_and_stored_there_too(s3_url: str) -> None:
    store = RawStore(f"{s3_url}/raw")
    described = VendorObject("a.zip", "zip_csv", MARCH.start, MARCH.end, finished=True)
    item = store.keep("archive", BTC, MARCH, described, b"bytes")
    assert store.kept("archive", BTC, MARCH) == (item,)
    manifest, _ = store.publish("archive", BTC, MARCH, [item], start=None, end=MARCH.end)
    assert store.kept("archive", BTC, MARCH) == ()
    assert store.read(manifest, manifest.objects[0]) == b"bytes"
    assert list(store.months()) == [("archive", BTC, MARCH)]
