"""Bulk history in the layout of data.binance.vision: monthly and daily zips with checksums."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import requests

from trading_assets.adapters.binance.client import call
from trading_assets.adapters.binance.instruments import instrument_from_entry, usual_entry
from trading_assets.adapters.http_reads import LOOPBACK
from trading_assets.domain.bar import DAY, Gap
from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    MissingPartition,
    UnknownSymbol,
)
from trading_assets.domain.ids import Micros, Month, Symbol, sha256_hex, symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.ports import Clock
from trading_assets.market.history import Listing, VendorObject, require_begun

_CHECKSUM = re.compile(r"([0-9a-f]{64}) [ *](\S+)\s*")
_MONTHLY = re.compile(r"([A-Z0-9]{2,20})-1m-(\d{4}-(?:0[1-9]|1[0-2]))\.zip")
Market = Literal["spot", "um"]
"""Spot, or futures margined in USDT."""

_PREFIX: dict[Market, str] = {"spot": "data/spot", "um": "data/futures/um"}
_EXCHANGE_INFO = "exchangeInfo.json"


class Files(Protocol):
    """Files by relative path: a mirror on disk, or a web server."""

    def read(self, path: str) -> bytes | None:
        """Give the content, or None when there is no such file."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file."""
        ...

    def describe(self, path: str) -> str:
        """Name a file for a person."""
        ...


class LocalFiles:
    """A mirror on disk: the folder that holds `monthly` and `daily`, or one above it."""

    def __init__(self, root: Path, market: Market = "spot") -> None:
        prefix = _PREFIX[market]
        places = (root, root / prefix.removeprefix("data/"), root / prefix)
        found = [p for p in places if (p / "monthly").is_dir() or (p / "daily").is_dir()]
        if not found:
            raise ConfigurationError(
                "Setting archive_root is not a mirror of the archive",
                expected=f"a folder `monthly` or `daily` in one of {', '.join(map(str, places))}",
                found="none of them",
                fix="Point TA_ARCHIVE_ROOT at the folder that holds `data`.",
            )
        self.root = found[0]

    def read(self, path: str) -> bytes | None:
        """Give the content, or None when there is no such file."""
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file."""
        return (self.root / path).is_file()

    def describe(self, path: str) -> str:
        """Name a file for a person."""
        return str(self.root / path)


class HttpFiles:
    """The archive over HTTP, read with bounded retries."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        timeout_s: float,
        max_attempts: int,
        market: Market = "spot",
    ) -> None:
        base, prefix = url.rstrip("/"), _PREFIX[market]
        self.base = base if base.endswith(prefix) else f"{base}/{prefix}"
        self._clock = clock
        self._timeout_s = timeout_s
        self._max_attempts = max_attempts
        self._session = requests.Session()
        if urlsplit(url).hostname in LOOPBACK:
            self._session.trust_env = False

    def read(self, path: str) -> bytes | None:
        """Give the content, or None when there is no such file."""
        response = self._request("GET", path)
        return None if response is None else response.content

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file."""
        return self._request("HEAD", path) is not None

    def describe(self, path: str) -> str:
        """Name a file for a person."""
        return f"{self.base}/{path}"

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _request(self, method: str, path: str) -> requests.Response | None:
        def send() -> requests.Response | None:
            response = self._session.request(
                method, self.describe(path), timeout=self._timeout_s, allow_redirects=True
            )
            if response.status_code == requests.codes.not_found:
                return None
            response.raise_for_status()
            return response

        return call(
            send, f"archive file {path}", clock=self._clock, max_attempts=self._max_attempts
        )


class ArchiveHistory:
    """One-minute bars of the archive, as a HistorySource.

    A month's own zip is preferred; without it, the zips of its days. A zip counts only with its
    CHECKSUM file: the vendor replaces files silently, and without one that goes unnoticed.
    """

    def __init__(
        self,
        files: Files,
        clock: Clock,
        *,
        name: str = "archive",
        store: str = "archive",
        market: Market = "spot",
    ) -> None:
        self._market = market
        self.name = name
        self.store = store
        self._files = files
        self._clock = clock

    def now(self) -> Micros:
        """Give the present: files for past days may be expected, for today they may not."""
        return self._clock.now()

    def listing(self, symbol: Symbol, month: Month) -> Listing:
        """List the month's zip, or the zips of its days.

        Where the archive has no file of the day before the month, the symbol counts as listed
        with its first bar.

        Raises:
            MissingPartition: if there is neither; naming both kinds of file.
            CorruptFile: if a zip has no CHECKSUM, or one that cannot be read.
            DataError: if the month is in the future.
            VenueError: if the archive cannot be reached.
        """
        now = self.now()
        require_begun(symbol, month, now)
        whole = self._object(symbol, str(month), month.start, month.end)
        objects = (whole,) if whole else self._days(symbol, month, now)
        if not objects:
            looked_for = [self._files.describe(_path(symbol, str(month)))]
            looked_for.append(self._files.describe(_path(symbol, f"{month}-01")) + ", ...")
            raise MissingPartition(
                f"The archive has no file of {symbol} for {month}",
                expected=" or ".join(looked_for),
                found="none",
                fix="Choose a month that it has, or complete the mirror.",
            )
        begun_before = self._has_day_before(symbol, month)
        return Listing(
            objects=objects,
            start=month.start if begun_before else None,
            end=month.end if month.end <= now else objects[-1].end,
        )

    def other_objects(
        self, symbol: Symbol, month: Month, listing: Listing, gaps: Sequence[Gap]
    ) -> tuple[VendorObject, ...]:
        """List the zips of the days of these gaps, where the month's own zip was listed.

        Raises:
            CorruptFile: if a zip has no CHECKSUM, or one that cannot be read.
            VenueError: if the archive cannot be reached.
        """
        listed = {item.name for item in listing.objects}
        touched = {
            day
            for gap in gaps
            for day in range(gap.start - gap.start % DAY, gap.end + 1, DAY)
            if month.start <= day < month.end and day + DAY <= self.now()
        }
        days = [
            self._object(symbol, _day_text(start), start, start + DAY) for start in sorted(touched)
        ]
        return tuple(
            replace(item, role="repair")
            for item in days
            if item is not None and item.name not in listed
        )

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        """Give the bytes of a zip, proven by its CHECKSUM.

        Raises:
            CorruptFile: if they differ from it.
            VenueError: if the archive cannot be reached.
        """
        path = _path(symbol, wanted.name.removesuffix(".zip").removeprefix(f"{symbol}-1m-"))
        data = self._files.read(path)
        found = "no file" if data is None else f"sha256 {sha256_hex(data)} over {len(data)} bytes"
        if data is None or sha256_hex(data) != wanted.vendor_sha256:
            raise CorruptFile(
                f"{self._files.describe(path)} is not what its CHECKSUM says",
                expected=f"sha256 {wanted.vendor_sha256}",
                found=found,
                fix="Nothing was stored. Get the zip and its CHECKSUM from the vendor again.",
            )
        return data

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the grids from `exchangeInfo.json` beside the files, else those Binance has now.

        The archive itself says nothing about grids.

        Raises:
            UnknownSymbol: if neither knows a symbol.
        """
        given = self._files.read(_EXCHANGE_INFO) or b'{"symbols":[]}'
        try:
            known = {entry["symbol"]: entry for entry in json.loads(given)["symbols"]}
        except (ValueError, KeyError, TypeError):
            raise CorruptFile(
                f"{self._files.describe(_EXCHANGE_INFO)} cannot be read",
                expected="an answer of GET /api/v3/exchangeInfo",
                found=repr(given[:60]),
            ) from None
        return tuple(self._instrument(symbol, known) for symbol in symbols)

    def _instrument(self, symbol: Symbol, known: dict[str, Any]) -> Instrument:
        entry = known.get(symbol) or (usual_entry(symbol) if self._market == "spot" else None)
        if entry is None:
            raise UnknownSymbol(
                f"The grid of {symbol} is not known",
                expected=f"{symbol} in {self._files.describe(_EXCHANGE_INFO)}",
                found=f"{', '.join(sorted(known)) or 'no such file'}",
                fix="Save an answer of GET /api/v3/exchangeInfo there.",
            )
        return instrument_from_entry(entry)

    def _days(self, symbol: Symbol, month: Month, now: Micros) -> tuple[VendorObject, ...]:
        starts = (month.start + day * DAY for day in range(month.days))
        found = (
            self._object(symbol, _day_text(start), start, start + DAY)
            for start in starts
            if start + DAY <= now
        )
        return tuple(item for item in found if item is not None)

    def _has_day_before(self, symbol: Symbol, month: Month) -> bool:
        before = (str(month.shift(-1)), _day_text(month.start - DAY))
        return any(self._files.exists(_path(symbol, period)) for period in before)

    def _object(
        self, symbol: Symbol, period: str, start: Micros, end: Micros
    ) -> VendorObject | None:
        path = _path(symbol, period)
        checksum = self._files.read(f"{path}.CHECKSUM")
        if checksum is None:
            if not self._files.exists(path):
                return None
            raise CorruptFile(
                f"{self._files.describe(path)} has no CHECKSUM file",
                expected=f"{path.rsplit('/', 1)[1]}.CHECKSUM beside it",
                found="none",
                fix="Get it from the vendor; for a file of your own make one with sha256sum.",
            )
        match = _CHECKSUM.fullmatch(checksum.decode("ascii", "replace"))
        name = path.rsplit("/", 1)[1]
        if match is None or match[2] != name:
            raise CorruptFile(
                f"{self._files.describe(path)}.CHECKSUM cannot be read",
                expected=f"`<sha256>  {name}`",
                found=repr(checksum[:120]),
                fix="Get it from the vendor again.",
            )
        return VendorObject(name, "zip_csv", start, end, finished=True, vendor_sha256=match[1])


def mirrored_months(root: Path) -> dict[Symbol, tuple[Month, ...]]:
    """List the months of which a mirror has the month's own one-minute zip.

    Args:
        root: the folder that holds `monthly`, as `LocalFiles.root` found it.

    Returns:
        Months in order, for each symbol that has any; symbols sorted.
    """
    found: dict[Symbol, list[Month]] = {}
    for path in sorted((root / "monthly/klines").glob("*/1m/*.zip")):
        match = _MONTHLY.fullmatch(path.name)
        if match is not None and match[1] == path.parts[-3]:
            found.setdefault(symbol_from_text(match[1]), []).append(Month.from_text(match[2]))
    return {symbol: tuple(sorted(months)) for symbol, months in found.items()}


def _path(symbol: Symbol, period: str) -> str:
    kind = "monthly" if len(period) == len("2024-03") else "daily"
    return f"{kind}/klines/{symbol}/1m/{symbol}-1m-{period}.zip"


def _day_text(start: Micros) -> str:
    return datetime.fromtimestamp(start // 1_000_000, tz=UTC).strftime("%Y-%m-%d")
