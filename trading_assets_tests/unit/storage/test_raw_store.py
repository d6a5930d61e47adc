"""The vendor's bytes on disk."""

from pathlib import Path

import pytest

from trading_assets.domain.bar import DAY, Gap
from trading_assets.domain.errors import (
    ConfigurationError,
    ConflictError,
    CorruptFile,
    MissingPartition,
)
from trading_assets.domain.ids import Month, Symbol, sha256_hex
from trading_assets.market.history import Confirmation, VendorObject
from trading_assets.storage.raw_store import RawManifest, RawObject, RawStore

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(tmp_path / "raw")


def day(number: int, *, finished: bool = True, sha256: str = "") -> VendorObject:
    start = MARCH.start + (number - 1) * DAY
    name = f"BTCUSDT-1m-2024-03-{number:02d}.zip"
    return VendorObject(name, "zip_csv", start, start + DAY, finished, sha256)


def publish(
    store: RawStore,
    *contents: tuple[VendorObject, bytes] | RawObject,
    before: RawManifest | None = None,
    end: int = MARCH.end,
) -> tuple[RawManifest, bool]:
    return store.publish("archive", BTC, MARCH, contents, start=None, end=end, before=before)


def test_bytes_come_back_as_the_vendor_sent_them(store: RawStore) -> None:
    manifest, changed = publish(store, (day(1), b"one"), (day(2), b"two"))
    assert changed
    folder = store.root / "archive" / "symbol=BTCUSDT" / "month=2024-03"
    first, second = manifest.objects
    assert first.file == f"BTCUSDT-1m-2024-03-01-{sha256_hex(b'one')[:16]}.zip"
    assert store.path(manifest, first) == folder / first.file
    assert (first.described, first.sha256, first.size_bytes) == (day(1), sha256_hex(b"one"), 3)
    assert store.read(manifest, second) == b"two"
    assert manifest.size_bytes == 6
    assert store.current("archive", BTC, MARCH) == manifest


def test_the_same_again_writes_nothing(store: RawStore) -> None:
    first, _ = publish(store, (day(1), b"one"))
    assert publish(store, (day(1), b"one"), before=first) == (first, False)
    assert publish(store, *first.objects, before=first) == (first, False)
    assert len(store.history("archive", BTC, MARCH)) == 1


def test_a_changed_object_is_a_new_version_and_the_old_bytes_stay(store: RawStore) -> None:
    first, _ = publish(store, (day(1), b"one"), (day(2), b"two"))
    second, changed = publish(store, first.objects[0], (day(2), b"TWO"), before=first)
    assert changed
    assert second.version != first.version
    assert [store.read(second, item) for item in second.objects] == [b"one", b"TWO"]
    assert store.read(first, first.objects[1]) == b"two"
    assert store.verify().files == 3


def test_more_of_the_month_is_a_new_version(store: RawStore) -> None:
    first, _ = publish(store, (day(1), b"one"), end=MARCH.start + DAY)
    second, changed = publish(store, *first.objects, before=first, end=MARCH.start + 2 * DAY)
    assert changed
    assert second.version != first.version


def test_a_writer_that_was_overtaken_loses(store: RawStore) -> None:
    publish(store, (day(1), b"one"))
    with pytest.raises(ConflictError, match="Nothing was overwritten"):
        publish(store, (day(1), b"other"), before=None)


def test_an_object_stands_for_the_vendors_while_span_and_checksum_hold(store: RawStore) -> None:
    manifest, _ = publish(store, (day(1), b"one"), (day(2, finished=False), b"two"))
    first, unfinished = manifest.objects
    assert first.stands_for(day(1))
    assert first.stands_for(day(1, sha256=sha256_hex(b"one")))
    assert not first.stands_for(day(1, sha256=sha256_hex(b"ONE")))
    assert not first.stands_for(day(2))
    assert not unfinished.stands_for(day(2))


def test_damage_is_found(store: RawStore) -> None:
    manifest, _ = publish(store, (day(1), b"one"), (day(2), b"two"))
    first, second = manifest.objects
    store.path(manifest, first).write_bytes(b"onE")
    store.path(manifest, second).unlink()
    assert not store.is_sound(manifest, first)
    assert not store.is_sound(manifest, second)
    with pytest.raises(CorruptFile, match="damaged"):
        store.read(manifest, first)
    assert len(store.verify().faults) == 2
    with pytest.raises(CorruptFile, match="Move the file away"):
        publish(store, (day(1), b"one"), before=manifest)
    pointer = store.folder("archive", BTC, MARCH) / "manifest-1.json"
    pointer.write_bytes(pointer.read_bytes().replace(b'"start":null', b'"start":1234'))
    (fault,) = store.verify().faults
    assert "pointer" in fault.what


def test_what_is_not_there_is_said(store: RawStore) -> None:
    assert store.verify().files == 0
    with pytest.raises(MissingPartition, match="data ingest BTCUSDT 2024-03"):
        store.require("archive", BTC, MARCH)


def test_names_cannot_leave_the_store(store: RawStore) -> None:
    with pytest.raises(ConfigurationError, match="Not the name of a source"):
        store.current("../x", BTC, MARCH)
    escape = VendorObject("../x.zip", "zip_csv", MARCH.start, MARCH.end, finished=True)
    with pytest.raises(CorruptFile, match="cannot be a file"):
        publish(store, (escape, b""))


def test_what_is_kept_of_an_unfinished_ingestion_counts_for_nothing_else(store: RawStore) -> None:
    one = store.keep("archive", BTC, MARCH, day(1), b"one")
    young = store.keep("archive", BTC, MARCH, day(2, finished=False), b"two")
    assert store.kept("archive", BTC, MARCH) == (one,)
    assert store.current("archive", BTC, MARCH) is None
    assert store.verify().files == 0
    manifest, changed = publish(store, one, young)
    assert changed
    assert manifest.objects == (one, young)
    assert store.kept("archive", BTC, MARCH) == ()
    assert [store.read(manifest, item) for item in manifest.objects] == [b"one", b"two"]


def test_a_kept_object_that_rots_is_not_offered_and_a_damaged_note_is_named(
    store: RawStore,
) -> None:
    one = store.keep("archive", BTC, MARCH, day(1), b"one")
    folder = store.folder("archive", BTC, MARCH)
    (folder / one.file).write_bytes(b"oNe")
    assert store.kept("archive", BTC, MARCH) == ()
    (note,) = folder.glob("kept-*.json")
    note.write_bytes(note.read_bytes()[:-3])
    with pytest.raises(CorruptFile, match="damaged"):
        store.kept("archive", BTC, MARCH)


def test_what_the_vendor_has_confirmed_is_part_of_the_version(store: RawStore) -> None:
    items = [(day(1), b"a")]
    plain, _ = store.publish("src", BTC, MARCH, items, start=0, end=9)
    answer = Confirmation(3, 5, 1_700_000_000_000_000, ("a", "b"))
    told, changed = store.publish(
        "src", BTC, MARCH, items, start=0, end=9, confirmed=(answer,), before=plain
    )
    assert (changed, told.confirmed, plain.confirmed) == (True, (answer,), ())
    assert told.version != plain.version
    again = store.publish(
        "src", BTC, MARCH, items, start=0, end=9, confirmed=(answer,), before=told
    )
    assert again == (told, False)
    assert answer.covers(Gap(3, 4, 2))
    assert not answer.covers(Gap(3, 6, 4))
