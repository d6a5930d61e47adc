"""Folders of Parquet and CSV files as a source of market history, read as a user declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.declarations.packages import Package
from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    MissingPartition,
    UnknownSymbol,
)
from trading_assets.domain.ids import Micros, Month, Symbol, sha256_hex
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.ports import Clock
from trading_assets.market.column_map import DecodedFiles
from trading_assets.market.history import Listing, SourceTraits, VendorObject, require_begun
from trading_assets.market.package_tables import package_kind

_PERIOD = re.compile(r"(\d{4})-?(\d{2})(?:-?(\d{2}))?")
_PLACES = {
    "{month}": (r"(\d{4}-\d{2}|\d{6})", "*"),
    "{date}": (r"(\d{4}-\d{2}-\d{2}|\d{8})", "*"),
}
_NEEDED = ("quote", "tick", "lot")
_OPTIONAL = ("min_notional", "point_value", "calendar", "asset_class")


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A file's checksum, and its first and last open time; None without rows."""

    sha256: str
    oldest: Micros | None
    newest: Micros | None


class PackageHistory:
    """Bars of declared files, as a HistorySource.

    The checksum of a file is its own: a file that has changed is another version of its months.
    A file says nothing about when it was written, so its newest bar counts as unfinished unless the
    declaration says otherwise.
    """

    def __init__(
        self,
        traits: SourceTraits,
        declared: Package,
        clock: Clock,
        instruments: Mapping[Symbol, InstrumentDeclaration],
        decoded: DecodedFiles | None = None,
    ) -> None:
        self.name = traits.name
        self.store = traits.store
        self._bar = traits.timeframe.micros
        self._declared = declared
        self._clock = clock
        self._instruments = instruments
        self._decoded = decoded or DecodedFiles()
        self._known: dict[tuple[Path, int, int], _Bounds] = {}

    def now(self) -> Micros:
        """Give the desk's present: a folder has none of its own."""
        return self._clock.now()

    def listing(self, symbol: Symbol, month: Month) -> Listing:
        """List the file of all history, or the files of the month's dates.

        Raises:
            MissingPartition: if there is none, or it has nothing of the month.
            CorruptFile: if a file is not as declared.
            DataError: if the month is in the future.
        """
        require_begun(symbol, month, self.now())
        files = self._files(symbol)
        inside = [
            replace(each, vendor_sha256=self._bounds(path, each).sha256)
            for path, each in files
            if each.start < month.end and each.end > month.start
        ]
        last = self._bounds(*files[-1]) if files else None
        if last is None or last.newest is None or not inside:
            raise self._missing(symbol, month, "no file of it")
        first, newest = self._bounds(*files[0]).oldest, last.newest
        if self._declared.holds_all_history:
            if first is None or first >= month.end or newest < month.start:
                raise self._missing(symbol, month, f"bars from {_day(first)} to {_day(newest)}")
            inside = [replace(inside[0], start=month.start, end=month.end)]
        done = newest + (self._bar if self._declared.newest_bar == "finished" else 0)
        begun = first is not None and first < month.start
        return Listing(
            objects=tuple(inside), start=month.start if begun else None, end=min(month.end, done)
        )

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        """Give the bytes of a file.

        Raises:
            CorruptFile: if they are not those that were listed.
        """
        paths = [path for path, each in self._files(symbol) if each.name == wanted.name]
        data = paths[0].read_bytes() if paths else b""
        if not paths or sha256_hex(data) != wanted.vendor_sha256:
            raise CorruptFile(
                f"File {wanted.name} of {symbol} has changed while it was read",
                expected=f"sha256 {wanted.vendor_sha256}",
                found=f"sha256 {sha256_hex(data)}" if paths else "no file",
                fix="Nothing was stored. Run it again when the folder is at rest.",
            )
        return data

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the instruments as declared; files say nothing about grids.

        Raises:
            UnknownSymbol: if a declaration is missing, naming the keys that it lacks.
        """
        return tuple(self._instrument(symbol) for symbol in symbols)

    def _instrument(self, symbol: Symbol) -> Instrument:
        declared = self._instruments.get(symbol) or InstrumentDeclaration()
        lacking = [key for key in _NEEDED if getattr(declared, key) in (None, "")]
        if lacking:
            raise UnknownSymbol(
                f"Source {self.name} does not know the grid of {symbol}",
                expected=f"{', '.join(lacking)} in [instruments.{symbol}]",
                found="a declaration without them"
                if symbol in self._instruments
                else "no declaration",
                fix="Declare them; files of bars say nothing about grids.",
            )
        said = {name: getattr(declared, name) for name in (*_NEEDED, *_OPTIONAL)}
        given = {name: value for name, value in said.items() if value not in (None, "")}
        return Instrument(symbol=symbol, base=declared.base or symbol, **given)

    def _files(self, symbol: Symbol) -> list[tuple[Path, VendorObject]]:
        """List a symbol's files by time."""
        declared = self._instruments.get(symbol)
        vendor = (declared.vendor_symbol if declared else "") or symbol
        relative = self._declared.pattern.replace("{symbol}", vendor)
        root = self._declared.root.resolve()
        glob, regex = relative, re.escape(relative)
        for place, (pattern, star) in _PLACES.items():
            glob = glob.replace(place, star)
            regex = regex.replace(re.escape(place), pattern)
        if ".." in Path(relative).parts:
            raise ConfigurationError(
                f"Files of {symbol} would lie outside of {root}", found=repr(relative)
            )
        found: list[tuple[Path, VendorObject]] = []
        for path in root.glob(glob):
            match = re.fullmatch(regex, path.relative_to(root).as_posix())
            if match is not None and path.is_file():
                found.append((path, self._object(path, match[1] if match.groups() else "")))
        return sorted(found, key=lambda item: item[1].start)

    def _object(self, path: Path, period: str) -> VendorObject:
        name = re.sub(
            r"[^A-Za-z0-9._-]", "_", path.relative_to(self._declared.root.resolve()).as_posix()
        )
        start, end = self._span(period) if period else (-(2**62), 2**62)
        return VendorObject(
            name=name[-100:].lstrip("._-"),
            kind=package_kind(path.name),
            start=start,
            end=end,
            finished=True,
            shared=not period or Month.of(start) != Month.of(end - 1),
        )

    def _span(self, period: str) -> tuple[Micros, Micros]:
        """Give the span of a month or date on the clock of the files."""
        match = _PERIOD.fullmatch(period)
        year, month, day = (
            (int(part) if part else 0 for part in match.groups()) if match else (0,) * 3
        )
        if day:
            first = date(year, month, day)
            after = first + timedelta(days=1)
        else:
            first = date(year, month, 1)
            after = (first + timedelta(days=31)).replace(day=1)
        return self._midnight(first), self._midnight(after)

    def _midnight(self, day: date) -> Micros:
        zone = self._declared.time.zone if self._declared.timeframe != "1d" else ""
        local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone) if zone else UTC)
        return int(local.timestamp()) * 1_000_000

    def _bounds(self, path: Path, described: VendorObject) -> _Bounds:
        """Read a file once, as long as neither its size nor its time changes."""
        facts = path.stat()
        key = (path, facts.st_size, facts.st_mtime_ns)
        if key not in self._known:
            data = path.read_bytes()
            ts = self._decoded.rows(self._declared, described, data)["ts"].to_physical()
            oldest, newest = (int(str(ts.min())), int(str(ts.max()))) if len(ts) else (None, None)
            self._known[key] = _Bounds(sha256_hex(data), oldest, newest)
        return self._known[key]

    def _missing(self, symbol: Symbol, month: Month, found: str) -> MissingPartition:
        return MissingPartition(
            f"Source {self.name} has nothing of {symbol} for {month}",
            expected=f"a file {self._declared.pattern} in {self._declared.root} with bars of it",
            found=found,
            fix="Choose a month that it has, or add the file.",
        )


def _day(ts: Micros | None) -> str:
    return (
        "nowhere" if ts is None else f"{datetime.fromtimestamp(ts // 1_000_000, tz=UTC):%Y-%m-%d}"
    )
