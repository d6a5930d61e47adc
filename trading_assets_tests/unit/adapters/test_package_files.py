"""Which files make up a month, what of them is expected, and what is shared between months."""

from pathlib import Path
from typing import Any

import pytest

from trading_assets.adapters.package_files import PackageHistory
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.declarations.packages import Package
from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    MissingPartition,
    UnknownSymbol,
)
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.decoding import month_rows
from trading_assets.market.history import SourceTraits

SPY = Symbol("SPY")
OCTOBER = Month(2013, 10)
NAMED = {"ts": "ts", "open": "o", "high": "h", "low": "l", "close": "c"}
NEW_YORK = {"unit": "ms_of_day", "zone": "America/New_York"}
LINE = "{},2,4,1,3\n"


def source(
    root: Path, instruments: dict[Symbol, InstrumentDeclaration] | None = None, **changes: Any
) -> tuple[PackageHistory, SourceTraits]:
    facts = {"kind": "package", "root": root, "pattern": "{symbol}.csv", "columns": NAMED}
    declared = Package.model_validate(facts | changes)
    traits = SourceTraits(
        "files", "declared-files", Timeframe(declared.timeframe), package=declared
    )
    return PackageHistory(traits, declared, WallClock(), instruments or {}), traits


def write(path: Path, *times: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("ts,o,h,l,c\n" + "".join(LINE.format(ts) for ts in times))


def test_the_evening_of_a_local_date_belongs_to_the_next_month_of_utc(tmp_path: Path) -> None:
    evening = 72_000_000 - 60_000  # 19:59 in New York is 23:59 UTC; the next bar is November's
    write(tmp_path / "SPY-20131031.csv", evening, evening + 60_000)
    write(tmp_path / "SPY-20131101.csv", 34_200_000, 34_260_000)
    history, traits = source(tmp_path, pattern="{symbol}-{date}.csv", time=NEW_YORK)
    counts = []
    for month in (OCTOBER, Month(2013, 11)):
        listing = history.listing(SPY, month)
        data = [(item, history.fetch(SPY, item)) for item in listing.objects]
        counts.append((len(data), month_rows(data, traits, month).height))
    assert counts == [(1, 1), (2, 3)]
    both = history.listing(SPY, OCTOBER).objects[0]
    assert both in history.listing(SPY, Month(2013, 11)).objects
    assert both.shared


@pytest.mark.parametrize(("newest", "bars"), [("forming", 1), ("finished", 2)])
def test_the_newest_bar_ends_what_is_expected(tmp_path: Path, newest: str, bars: int) -> None:
    first = OCTOBER.start + 600 * MINUTE
    write(tmp_path / "SPY.csv", first // 1000, first // 1000 + 60_000)
    history, _ = source(tmp_path, newest_bar=newest)
    listing = history.listing(SPY, OCTOBER)
    assert (listing.start, listing.end) == (None, first + bars * MINUTE)
    for month in (OCTOBER.shift(-1), OCTOBER.shift(1)):
        with pytest.raises(MissingPartition, match="bars from 2013-10-01 to 2013-10-01"):
            history.listing(SPY, month)


def test_a_file_that_changes_between_listing_and_reading_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "SPY.csv", OCTOBER.start // 1000)
    history, _ = source(tmp_path, newest_bar="finished")
    (item,) = history.listing(SPY, OCTOBER).objects
    write(tmp_path / "SPY.csv", OCTOBER.start // 1000, OCTOBER.start // 1000 + 60_000)
    with pytest.raises(CorruptFile, match="has changed while it was read"):
        history.fetch(SPY, item)


def test_a_declaration_lacks_the_keys_that_are_named(tmp_path: Path) -> None:
    history, _ = source(tmp_path, {SPY: InstrumentDeclaration(quote="USD")})
    with pytest.raises(UnknownSymbol, match=r"tick, lot in \[instruments.SPY\]"):
        history.instruments((SPY,))


def test_a_vendors_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    outside = InstrumentDeclaration(vendor_symbol="../SPY")
    history, _ = source(tmp_path, {SPY: outside})
    with pytest.raises(ConfigurationError, match="outside"):
        history.listing(SPY, OCTOBER)
