"""Ten thousand flipped bits and a thousand truncations of what a store holds: none is ever read.

Parquet readers accept nine of ten flipped bits in silence; the public reads of the stores must not.
Every damage is done to the real file, which is then read as everybody reads it, and mended.
"""

import io
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.market.history import VendorObject
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.raw_store import RawStore

FLIPS, TRUNCATIONS, SEED = 10_000, 1_000, 20_240_301
BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)
Read = Callable[[], object]


def bars(rows: int = 60) -> pl.DataFrame:
    dice = random.Random(SEED)
    prices = [100.0 + round(dice.gauss(0, 1), 2) for _ in range(rows)]
    columns: dict[str, object] = {
        "ts": [MARCH.start + i * MINUTE for i in range(rows)],
        "symbol": ["BTCUSDT"] * rows,
        **dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), prices),
        "n_trades": list(range(rows)),
        "source": ["test"] * rows,
    }
    return pl.DataFrame(columns).cast(dict(BAR_SCHEMA))


def features(rows: int = 60) -> pl.DataFrame:
    noise = random.Random(SEED + 1)
    columns = {f"feature_{n}": [noise.gauss(0, 1) for _ in range(rows)] for n in range(12)}
    return bars(rows).select("ts").with_columns(pl.DataFrame(columns)[:, n] for n in range(12))


@pytest.fixture
def targets(tmp_path: Path) -> dict[Path, Read]:
    """Every kind of file that a store keeps, and the public read that depends on it."""
    tables, raw = PartitionStore(tmp_path / "tables"), RawStore(tmp_path / "raw")
    found: dict[Path, Read] = {}
    for table, frame in (("bars_1m", bars()), ("features_5m", features())):
        manifest, _ = tables.publish(
            table, BTC, MARCH, frame, code_version="1", parents={"p": "a" * 64}, extra={"x": 1e-7}
        )
        path = tables.local_path(manifest)
        for file in (path, path.with_name("manifest-1.json")):
            found[file] = lambda table=table: tables.read(table, BTC, MARCH)  # type: ignore[misc]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m-2024-03.csv", bars().write_csv(include_header=False))
    whole = VendorObject("BTCUSDT-1m-2024-03.zip", "zip_csv", MARCH.start, MARCH.end, finished=True)
    contents = [(whole, buffer.getvalue())]
    stored, _ = raw.publish("archive", BTC, MARCH, contents, start=None, end=MARCH.end)

    def read_raw() -> bytes:
        manifest = raw.require("archive", BTC, MARCH)
        return raw.read(manifest, manifest.objects[0])

    place = raw.path(stored, stored.objects[0])
    assert isinstance(place, Path)
    for file in (place, place.with_name("manifest-1.json")):
        found[file] = read_raw
    return found


def outcome(read: Read) -> str:
    try:
        read()
    except CorruptFile:
        return "refused"
    return "accepted"


def test_every_file_is_read_while_it_is_whole(targets: dict[Path, Read]) -> None:
    assert len(targets) == 6
    assert {outcome(read) for read in targets.values()} == {"accepted"}


@pytest.mark.slow
def test_no_flipped_bit_of_any_file_is_read(targets: dict[Path, Read]) -> None:
    dice = random.Random(SEED)
    files = sorted(targets)
    told: Counter[str] = Counter()
    for number in range(FLIPS):
        path = files[number % len(files)]
        place, bit = dice.randrange(path.stat().st_size), 1 << dice.randrange(8)
        with path.open("r+b", buffering=0) as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ bit]))
            told[outcome(targets[path])] += 1
            file.seek(place)
            file.write(bytes([byte]))
    assert told == {"refused": FLIPS}
    assert {outcome(read) for read in targets.values()} == {"accepted"}


@pytest.mark.slow
def test_no_truncated_file_is_read(targets: dict[Path, Read]) -> None:
    dice = random.Random(SEED)
    files = sorted(targets)
    told: Counter[str] = Counter()
    for number in range(TRUNCATIONS):
        path = files[number % len(files)]
        whole = path.read_bytes()
        path.write_bytes(whole[: dice.randrange(len(whole))])
        told[outcome(targets[path])] += 1
        path.write_bytes(whole)
    assert told == {"refused": TRUNCATIONS}
    assert {outcome(read) for read in targets.values()} == {"accepted"}
