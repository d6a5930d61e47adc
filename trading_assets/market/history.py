"""Market history as vendors hand it out: objects of bytes, and the port that fetches them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from trading_assets.declarations.packages import Package
from trading_assets.domain.bar import MINUTE, Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash
from trading_assets.domain.instrument import Instrument

if TYPE_CHECKING:
    import polars as pl

PackageKind = Literal["package_parquet", "package_csv", "package_csv_gz", "package_zip"]
ObjectKind = Literal["zip_csv", "klines_json", "eodhd_json", "polygon_json"] | PackageKind

PACKAGE_SUFFIXES: Mapping[PackageKind, str] = {
    "package_parquet": ".parquet",
    "package_csv": ".csv",
    "package_csv_gz": ".csv.gz",
    "package_zip": ".zip",
}
"""How the names of files of declared packages end."""


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """What is true of all bars of a source, known without opening it.

    Attributes:
        name: value of the column `source`.
        store: folder of its raw bytes; another one whenever the bytes could be others.
        timeframe: size of the bars that it gives.
        silent_minutes: whether a minute without a trade is a bar, or absent.
        longest_silence_minutes: a longer absence inside a session is a gap.
        package: how its files are read, where a user has declared that.
    """

    name: str
    store: str
    timeframe: Timeframe = Timeframe.M1
    silent_minutes: Literal["bars", "absent"] = "bars"
    longest_silence_minutes: int = 0
    package: Package | None = None

    @property
    def version(self) -> str:
        """Hash of everything that decides what equal bytes mean."""
        facts = asdict(self) | {"timeframe": self.timeframe.value}
        if self.package is None:
            del facts["package"]
        else:
            facts["package"] = self.package.model_dump(mode="json", exclude={"root"})
        return content_hash(facts)


@dataclass(frozen=True, slots=True)
class VendorObject:
    """One thing that a vendor hands out whole: a month's zip, a day's zip, a page of bars.

    Attributes:
        name: unique within symbol and month, and fit for a file name.
        kind: how its bytes are decoded.
        start: first instant of the span it covers, inclusive.
        end: end of that span, exclusive.
        finished: its span lies in the past, so the same bytes come whenever it is asked for (but
            for restatements by the vendor).
        vendor_sha256: checksum that the vendor publishes, "" when it publishes none.
        role: `listed` objects make up the month; a `repair` was fetched beside them, for the
            minutes that they lack, and gives nothing else.
        shared: the same bytes serve several months, so they are stored beside them, once.
    """

    name: str
    kind: ObjectKind
    start: Micros
    end: Micros
    finished: bool
    vendor_sha256: str = ""
    role: Literal["listed", "repair"] = "listed"
    shared: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Confirmation:
    """The vendor was asked again for missing minutes, and does not have them.

    Attributes:
        start: open time of the first missing minute.
        end: open time of the last one.
        asked_at: when, by the desk's clock.
        asked: names of the objects that were looked into.
    """

    start: Micros
    end: Micros
    asked_at: Micros
    asked: tuple[str, ...]

    def covers(self, gap: Gap) -> bool:
        """Tell whether all of a gap is what the vendor does not have."""
        return self.start <= gap.start and gap.end <= self.end


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects that make up a symbol's month now, in order of their spans.

    Attributes:
        start: from when bars are expected: the month's start, or a later listing of the symbol;
            None when the vendor does not say and the first bar decides.
        end: until when bars are expected: the month's end, or what has happened of it.
    """

    objects: tuple[VendorObject, ...]
    start: Micros | None
    end: Micros


class HistorySource(Protocol):
    """Where bars of the past come from.

    Attributes:
        name: value of the column `source`.
        store: folder of its raw bytes; differs whenever the bytes could.
    """

    @property
    def name(self) -> str:
        """Value of the column `source`."""
        ...

    @property
    def store(self) -> str:
        """Folder of its raw bytes; another one whenever the bytes could be others."""
        ...

    def now(self) -> Micros:
        """Give the source's own present; it decides what is finished."""
        ...

    def listing(self, symbol: Symbol, month: Month) -> Listing:
        """List what there is of a month.

        Raises:
            UnknownSymbol: if the source does not have the symbol.
            MissingPartition: if it has nothing of this month, saying what was looked for.
            NotTraded: if the source knows that the symbol was not listed yet.
            DataError: if the month is in the future.
            VenueError: if the source cannot be reached.
        """
        ...

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        """Give the bytes of one object.

        Raises:
            CorruptFile: if they are not those of the vendor's checksum.
            VenueError: if the source cannot be reached.
        """
        ...

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the trading grid of each symbol.

        Raises:
            UnknownSymbol: if the source does not have one of them.
        """
        ...


@runtime_checkable
class HasOtherObjects(Protocol):
    """A source that holds some minutes in other objects, too, than those that it lists."""

    def other_objects(
        self, symbol: Symbol, month: Month, listing: Listing, gaps: Sequence[Gap]
    ) -> tuple[VendorObject, ...]:
        """List objects with the role `repair` that span these gaps and are not in the listing.

        Raises:
            CorruptFile: if what the vendor says of one cannot be read.
            VenueError: if the source cannot be reached.
        """
        ...


class HistorySources(Protocol):
    """The sources of a desk, each opened when it is first asked for."""

    def of(self, symbol: Symbol) -> HistorySource:
        """Give the source of a symbol.

        Raises:
            ConfigurationError: if it cannot be opened as declared.
        """
        ...

    def named(self, name: str) -> HistorySource:
        """Give a source by its name.

        Raises:
            ConfigurationError: if it cannot be opened as declared.
        """
        ...

    def now(self) -> Micros:
        """Give the present of the source that settings name first."""
        ...


class DataFeed(Protocol):
    """Bars of any symbol of the desk, whatever its asset class and source."""

    def get_history(
        self, symbol: Symbol, start: Micros, end: Micros, granularity: Timeframe
    ) -> pl.DataFrame:
        """Give the bars with `ts` in [start, end), UTC, ascending; what is missing has no row.

        Returns:
            BAR_SCHEMA for one minute, RESAMPLED_SCHEMA for larger sizes; `n_minutes` is null in
            bars that the vendor has made itself.

        Raises:
            UnknownSymbol: if the symbol is not one of the desk.
            MissingPartition: if a month of the span is not there.
            DataError: if bars contradict each other, or the span is empty.
            VenueError: if a source is needed and cannot be reached.
        """
        ...


def require_begun(symbol: Symbol, month: Month, now: Micros) -> None:
    """Refuse a month without a single finished minute.

    Raises:
        DataError: naming the month that is current.
    """
    if month.start + MINUTE > now:
        raise DataError(
            f"Month {month} of {symbol} is in the future",
            expected=f"a month up to {Month.of(now)} with at least one finished minute",
            found=str(month),
            fix="Choose an earlier month.",
        )
