"""Declared columns become bars: one meaning for every number and every time, or an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.declarations.packages import PRICES, Package
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Micros, sha256_hex
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.bar_frame import AMOUNTS, TS, between, row_text
from trading_assets.market.history import VendorObject
from trading_assets.market.package_tables import not_as_declared, package_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNIT = {"s": 1_000_000, "ms": 1000, "us": 1}
_MAGNITUDES = {
    "s": (10**8, 4 * 10**9),
    "ms": (10**11, 4 * 10**12),
    "us": (10**14, 4 * 10**15),
}
"""Numbers that are an instant of 1973 to 2096 in this unit, and in no other."""

_NAIVE = pl.Datetime("us")


class DecodedFiles:
    """Files of all history that were decoded last, so that not every month decodes them again.

    A file is known by its bytes' hash and by everything that decides what they mean; whoever asks
    brings the bytes, proven. Rows are held up to `max_bytes`, those asked for last stay.

    Attributes:
        decoded: how many files were decoded.
    """

    def __init__(self, max_bytes: int = 512 * 1024 * 1024) -> None:
        self.decoded = 0
        self._max_bytes = max_bytes
        self._held: dict[tuple[str, str, str], pl.DataFrame] = {}

    def rows(self, declared: Package, described: VendorObject, data: bytes) -> pl.DataFrame:
        """Give every row of a file, as `file_rows` does."""
        if not declared.holds_all_history:
            return file_rows(declared, described, data)
        key = (sha256_hex(data), described.kind, declared.model_dump_json(exclude={"root"}))
        rows = self._held.pop(key, None)
        if rows is None:
            rows = file_rows(declared, described, data)
            self.decoded += 1
        self._held[key] = rows
        sizes = {each: held.estimated_size() for each, held in self._held.items()}
        excess = sum(sizes.values()) - self._max_bytes
        for oldest, size in sizes.items():
            if excess <= 0:
                break
            del self._held[oldest]
            excess -= size
        return rows


def object_rows(
    declared: Package,
    described: VendorObject,
    data: bytes,
    decoded: DecodedFiles | None = None,
) -> pl.DataFrame:
    """Decode the part of a file that its object stands for.

    Of a file of all history that is the object's span. A file of one date or month must hold
    nothing else.

    Args:
        declared: the source.
        described: the file's name, kind and span.
        data: its bytes, proven.
        decoded: files that were decoded before, in a run over several months.

    Returns:
        DECODED_SCHEMA, in the order of the file, with its duplicates.

    Raises:
        CorruptFile: naming the file, what was declared and what was found.
    """
    rows = (decoded or DecodedFiles()).rows(declared, described, data)
    span = between(described.start, described.end)
    outside = rows.filter(~span)
    if outside.height and not declared.holds_all_history:
        first, last = (datetime.fromtimestamp(ts // 1_000_000, tz=UTC) for ts in _span(described))
        raise not_as_declared(
            described.name,
            expected=f"bars from {first} to {last}, as its name says",
            found=f"{outside.height} others, the first {row_text(outside, 0)}",
        )
    return rows.filter(span)


def file_rows(declared: Package, described: VendorObject, data: bytes) -> pl.DataFrame:
    """Decode every row of a file.

    Times become open times in UTC: those of bars that bear their close are put back by the bar's
    size. A daily bar gets its date at 00:00 UTC. Prices are divided as declared; those of quotes
    are the mean of bid and ask. Fields that are not declared are null.

    Args:
        declared: the source.
        described: the file's name and kind; of a file of one date, `start` is its local midnight.
        data: its bytes.

    Returns:
        DECODED_SCHEMA, in the order of the file, with its duplicates.

    Raises:
        CorruptFile: naming the file, what was declared and what was found.
    """
    name = described.name
    table = package_table(declared, described.kind, data, name)
    columns = {"ts": _instants(declared, table["ts"], described)}
    for price in PRICES:
        sides = [f for f in (price, f"bid_{price}", f"ask_{price}") if f in table.columns]
        columns[price] = _price([_numbers(table[f], name) for f in sides], declared.price_divisor)
    for amount in AMOUNTS:
        if amount in table.columns:
            columns[amount] = _numbers(table[amount], name, may_miss=True)
    if "n_trades" in columns:
        columns["n_trades"] = _counts(columns["n_trades"], name)
    rows = pl.DataFrame(columns)
    absent = [field for field in DECODED_SCHEMA if field not in columns]
    return rows.with_columns(pl.lit(None).alias(field) for field in absent).select(
        pl.col(field).cast(dtype) for field, dtype in DECODED_SCHEMA.items()
    )


def _span(described: VendorObject) -> tuple[Micros, Micros]:
    return described.start, described.end


def _numbers(column: pl.Series, name: str, *, may_miss: bool = False) -> pl.Series:
    """Read numbers as floats: nothing that is not one passes."""
    if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Null)):
        raise not_as_declared(
            name, expected=f"numbers as {column.name}", found=f"a column of {column.dtype}"
        )
    text = column.dtype == pl.String
    given = column.replace("", None) if text else column
    numbers = given.cast(pl.Float64, strict=False)
    bad = numbers.is_null() & (given.is_not_null() if may_miss else True)
    _require_none(bad, column, name, f"a number as {column.name} in every row")
    return numbers


def _counts(numbers: pl.Series, name: str) -> pl.Series:
    whole = numbers.cast(pl.Int64, strict=False)
    bad = (whole.cast(pl.Float64) != numbers).fill_null(numbers.is_not_null())
    _require_none(bad, numbers, name, f"whole numbers as {numbers.name}")
    return whole


def _price(sides: list[pl.Series], divisor: int) -> pl.Series:
    """Divide by the divisor, and by two where bid and ask are added: one rounding.

    Polars divides a column by a constant as a multiplication by its rounded reciprocal.
    """
    total: NDArray[np.float64] = sum(side.to_numpy() for side in sides)  # type: ignore[assignment]
    return pl.Series(total / (divisor * len(sides)))


def _instants(declared: Package, times: pl.Series, described: VendorObject) -> pl.Series:
    """Give the open times in UTC."""
    local = _read_times(declared, times, described)
    timeframe = Timeframe(declared.timeframe)
    if timeframe is Timeframe.D1:
        return _dates(declared, local, times, described.name)
    instants = _in_utc(declared, local, times, described.name)
    if declared.label == "close":
        instants = (instants.cast(pl.Int64) - timeframe.micros).cast(TS)
    return instants.cast(TS)


def _read_times(declared: Package, times: pl.Series, described: VendorObject) -> pl.Series:
    """Give times as they stand: instants in UTC, or local ones without a zone."""
    name, time = described.name, declared.time
    _require_none(times.is_null(), times, name, "a time in every row")
    if times.dtype == pl.Date:
        return times.cast(_NAIVE)
    if isinstance(times.dtype, pl.Datetime):
        return _whole_micros(times, name)
    if times.dtype == pl.String and time.format:
        return _from_text(time.format, times, name)
    numbers = times.cast(pl.Int64, strict=False) if times.dtype == pl.String else times
    if not numbers.dtype.is_integer() or numbers.null_count():
        raise not_as_declared(
            name,
            expected="whole numbers, or text with a declared time.format",
            found=f"times such as {times.head(2).to_list()} ({times.dtype})",
        )
    numbers = numbers.cast(pl.Int64)
    if time.unit == "ms_of_day":
        return _of_day(declared, numbers, described)
    unit = time.unit or _unit_by_magnitude(numbers, name)
    return (numbers * _UNIT[unit]).cast(TS)


def _whole_micros(times: pl.Series, name: str) -> pl.Series:
    micros = times.dt.cast_time_unit("us")
    bad = micros.dt.cast_time_unit(times.dtype.time_unit) != times  # type: ignore[attr-defined]
    _require_none(bad, times, name, "times of whole microseconds")
    return micros if _zone(micros) is None else micros.dt.convert_time_zone("UTC")


def _from_text(template: str, times: pl.Series, name: str) -> pl.Series:
    if any(code in template for code in ("%H", "%I", "%T", "%R", "%s")):
        read = times.str.to_datetime(template, time_unit="us", strict=False)
    else:
        read = times.str.to_date(template, strict=False).cast(_NAIVE)
    _require_none(read.is_null(), times, name, f"times like {template!r}")
    return read


def _of_day(declared: Package, millis: pl.Series, described: VendorObject) -> pl.Series:
    """Add what a local clock shows to the file's date."""
    start = datetime.fromtimestamp(described.start // 1_000_000, tz=ZoneInfo(declared.time.zone))
    midnight = int(start.replace(tzinfo=UTC).timestamp()) * 1_000_000
    return (millis * 1000 + midnight).cast(_NAIVE)


def _unit_by_magnitude(numbers: pl.Series, name: str) -> str:
    """Tell s, ms and us apart, where every row agrees.

    Raises:
        CorruptFile: if they do not, or no unit makes instants of 1973 to 2096 of them.
    """
    if numbers.is_empty():
        return "us"
    least, most = int(numbers.min()), int(numbers.max())  # type: ignore[arg-type]
    for unit, (first, last) in _MAGNITUDES.items():
        if first <= least and most < last:
            return unit
    raise not_as_declared(
        name,
        expected="times whose magnitude tells s, ms or us, the same in all rows, or a time.unit",
        found=f"numbers from {least} to {most}",
    )


def _in_utc(declared: Package, local: pl.Series, times: pl.Series, name: str) -> pl.Series:
    zone = declared.time.zone
    if _zone(local) is not None:
        if zone:
            raise not_as_declared(
                name,
                expected="times without a zone, since time.zone is declared",
                found=f"instants: {times.head(1).to_list()} ({times.dtype})",
            )
        return local
    if not zone:
        raise not_as_declared(
            name,
            expected="a declared time.zone, since the times do not say theirs",
            found=f"times such as {times.head(1).to_list()}",
        )
    # One that the clock shows twice or never cannot be told.
    instants = local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    _require_none(instants.is_null(), times, name, f"times that clocks of {zone} show just once")
    return instants.dt.convert_time_zone("UTC")


def _dates(declared: Package, local: pl.Series, times: pl.Series, name: str) -> pl.Series:
    """Give the date of each daily bar, at 00:00 UTC."""
    zone = declared.time.zone
    if _zone(local) is not None:
        local = local.dt.convert_time_zone(zone or "UTC").dt.replace_time_zone(None)
    bad = local.dt.truncate("1d") != local
    _require_none(bad, times, name, f"midnights of {zone or 'UTC'}, since the bars are daily")
    return local.dt.replace_time_zone("UTC").cast(TS)


def _zone(times: pl.Series) -> str | None:
    dtype = times.dtype
    return dtype.time_zone if isinstance(dtype, pl.Datetime) else None


def _require_none(bad: pl.Series, column: pl.Series, name: str, expected: str) -> None:
    rows = bad.arg_true()
    if len(rows):
        raise not_as_declared(
            name,
            expected=expected,
            found=f"{column[rows[0]]!r} in row {rows[0] + 1}, the first of {len(rows)} such rows",
        )
