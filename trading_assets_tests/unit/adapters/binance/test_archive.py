"""The bulk archive, from a mirror on disk and over HTTP."""

import hashlib
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trading_assets.adapters.binance.archive import (
    ArchiveHistory,
    HttpFiles,
    LocalFiles,
    mirrored_months,
)
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    DataError,
    MissingPartition,
    UnknownSymbol,
    VenueUnavailable,
)
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import VendorObject

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
KLINES = Path("klines/BTCUSDT/1m")


def put(root: Path, period: str, data: bytes, *, checksum: str | None = "right") -> Path:
    """Lay down one zip of the archive; its content does not matter here."""
    kind = "monthly" if len(period) == 7 else "daily"
    path = root / kind / KLINES / f"BTCUSDT-1m-{period}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if checksum is not None:
        digest = hashlib.sha256(data).hexdigest()
        text = f"{digest}  {path.name}\n" if checksum == "right" else checksum
        path.with_name(path.name + ".CHECKSUM").write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "spot"
    folder.mkdir(parents=True)
    return folder


OpenArchive = Callable[[], ArchiveHistory]


@pytest.fixture(params=["disk", "http"])
def open_archive(
    request: pytest.FixtureRequest, root: Path, server: Any, clock: Any
) -> Iterator[OpenArchive]:
    """Open the same files both ways; the present is 2024-05-03T12:00Z."""
    clock.instant = Month(2024, 5).start + 2 * DAY + DAY // 2

    def serve(asked: Any) -> Any:
        path = root.parent.parent / asked.path.lstrip("/")
        return server.raw(path.read_bytes()) if path.is_file() else server.raw(b"", 404)

    server.answer = serve
    http = HttpFiles(server.url, clock, timeout_s=5, max_attempts=2)

    def make() -> ArchiveHistory:
        files = http if request.param == "http" else LocalFiles(root.parent.parent)
        return ArchiveHistory(files, clock)

    yield make
    http.close()


def test_the_months_own_zip_is_preferred(root: Path, open_archive: OpenArchive) -> None:
    put(root, "2024-02", b"february")
    put(root, "2024-03", b"march")
    put(root, "2024-03-01", b"a day")
    archive = open_archive()
    listing = archive.listing(BTC, MARCH)
    (whole,) = listing.objects
    digest = hashlib.sha256(b"march").hexdigest()
    assert whole == VendorObject(
        "BTCUSDT-1m-2024-03.zip", "zip_csv", MARCH.start, MARCH.end, True, digest
    )
    assert (listing.start, listing.end) == (MARCH.start, MARCH.end)
    assert archive.fetch(BTC, whole) == b"march"


def test_without_it_the_days_make_the_month(root: Path, open_archive: OpenArchive) -> None:
    put(root, "2024-02-29", b"the day before")
    for day in (1, 2, 31):
        put(root, f"2024-03-{day:02d}", b"%d" % day)
    archive = open_archive()
    listing = archive.listing(BTC, MARCH)
    assert [item.name[-9:] for item in listing.objects] == ["03-01.zip", "03-02.zip", "03-31.zip"]
    assert listing.objects[2].start == MARCH.start + 30 * DAY
    assert archive.fetch(BTC, listing.objects[2]) == b"31"
    assert (listing.start, listing.end) == (MARCH.start, MARCH.end)


def test_of_the_current_month_only_published_days_are_expected(
    root: Path, open_archive: OpenArchive
) -> None:
    may = Month(2024, 5)
    put(root, "2024-05-01", b"1")
    assert open_archive().listing(BTC, may).end == may.start + DAY
    put(root, "2024-05-02", b"2")
    put(root, "2024-05-03", b"today cannot be finished")
    assert open_archive().listing(BTC, may).end == may.start + 2 * DAY


def test_the_first_month_of_a_symbol_begins_with_its_first_bar(
    root: Path, open_archive: OpenArchive
) -> None:
    put(root, "2024-03", b"march")
    assert open_archive().listing(BTC, MARCH).start is None


def test_a_month_without_files_says_what_was_looked_for(
    root: Path, open_archive: OpenArchive
) -> None:
    put(root, "2024-02", b"february")
    with pytest.raises(MissingPartition) as caught:
        open_archive().listing(BTC, MARCH)
    for name in ("BTCUSDT-1m-2024-03.zip", "BTCUSDT-1m-2024-03-01.zip"):
        assert name in caught.value.expected


def test_a_future_month_is_refused(root: Path, open_archive: OpenArchive) -> None:
    put(root, "2024-03", b"march")
    with pytest.raises(DataError, match="in the future"):
        open_archive().listing(BTC, Month(2024, 6))


def test_a_wrong_checksum_is_refused_with_both_values(
    root: Path, open_archive: OpenArchive
) -> None:
    put(root, "2024-03", b"march", checksum=f"{'0' * 64}  BTCUSDT-1m-2024-03.zip\n")
    archive = open_archive()
    (whole,) = archive.listing(BTC, MARCH).objects
    with pytest.raises(CorruptFile, match=r"BTCUSDT-1m-2024-03\.zip is not what its") as caught:
        archive.fetch(BTC, whole)
    assert caught.value.expected == f"sha256 {'0' * 64}"
    assert hashlib.sha256(b"march").hexdigest() in caught.value.found


@pytest.mark.parametrize(
    ("checksum", "message"),
    [
        (None, "has no CHECKSUM file"),
        ("<html>", r"CHECKSUM cannot be read"),
        (f"{'0' * 64}  OTHER-1m-2024-03.zip\n", r"CHECKSUM cannot be read"),
    ],
)
def test_a_zip_without_a_readable_checksum_is_refused(
    root: Path, open_archive: OpenArchive, checksum: str | None, message: str
) -> None:
    put(root, "2024-03", b"march", checksum=checksum)
    with pytest.raises(CorruptFile, match=message):
        open_archive().listing(BTC, MARCH)


def test_a_zip_that_vanished_is_said(root: Path, open_archive: OpenArchive) -> None:
    path = put(root, "2024-03", b"march")
    archive = open_archive()
    (whole,) = archive.listing(BTC, MARCH).objects
    path.unlink()
    with pytest.raises(CorruptFile, match="no file"):
        archive.fetch(BTC, whole)


def test_grids_come_from_exchange_info_beside_the_files_or_are_the_usual_ones(
    root: Path, open_archive: OpenArchive
) -> None:
    put(root, "2024-03", b"march")
    (usual,) = open_archive().instruments((BTC,))
    assert (usual.base, usual.quote) == ("BTC", "USDT")
    assert (usual.tick, usual.lot) == (Decimal("0.01"), Decimal("0.00001"))
    with pytest.raises(UnknownSymbol, match="grid of ABCUSDT"):
        open_archive().instruments((Symbol("ABCUSDT"),))
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10000000"},
        {"filterType": "LOT_SIZE", "stepSize": "1.00000000"},
    ]
    entry = {"symbol": "ABCUSDT", "baseAsset": "ABC", "quoteAsset": "USDT", "filters": filters}
    (root / "exchangeInfo.json").write_text(json.dumps({"symbols": [entry]}))
    (given,) = open_archive().instruments((Symbol("ABCUSDT"),))
    assert (given.tick, given.lot, given.min_notional) == (Decimal("0.1"), Decimal(1), Decimal(0))
    (root / "exchangeInfo.json").write_text("[]")
    with pytest.raises(CorruptFile, match=r"exchangeInfo\.json cannot be read"):
        open_archive().instruments((BTC,))


@pytest.mark.parametrize("above", ["", "..", "../.."])
def test_a_mirror_is_found_at_any_of_its_levels(root: Path, clock: Any, above: str) -> None:
    put(root, "2024-03", b"march")
    assert LocalFiles((root / above).resolve()).root == root


def test_a_folder_that_is_no_mirror_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="archive_root"):
        LocalFiles(tmp_path)


def test_the_months_of_a_mirror_are_listed(root: Path) -> None:
    for period in ("2024-03", "2024-01", "2024-02-01"):
        put(root, period, b"x")
    other = root / "monthly/klines/ETHUSDT/1m"
    other.mkdir(parents=True)
    for name in ("ETHUSDT-1m-2024-13.zip", "BTCUSDT-1m-2024-05.zip", "notes.zip"):
        (other / name).write_bytes(b"x")
    assert mirrored_months(root) == {BTC: (Month(2024, 1), MARCH)}
    assert mirrored_months(root / "monthly") == {}


def test_a_web_server_is_asked_again_and_then_said_to_be_down(server: Any, clock: Any) -> None:
    files = HttpFiles(server.url, clock, timeout_s=5, max_attempts=3)
    answers = [server.raw(b"", 503), server.raw(b"abcdef", cut=3), server.raw(b"whole")]
    server.answer = lambda _: answers.pop(0)
    assert files.read("monthly/x.zip") == b"whole"
    assert server.asked[0].path == "/data/spot/monthly/x.zip"
    server.answer = lambda _: server.raw(b"", 500)
    with pytest.raises(VenueUnavailable, match=r"archive file monthly/x\.zip: HTTP 500"):
        files.read("monthly/x.zip")
    assert len(clock.waits) == 4
    files.close()
