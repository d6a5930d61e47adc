"""Folders of files with bars, as a user declares them: which files, which columns, which clock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from trading_assets.declarations.bar_source import BarSource
from trading_assets.declarations.declaration import Declaration

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".zip")
"""Files that can be read; a zip holds one CSV."""

Column = Annotated[int, Field(ge=1)] | str
"""A column by its name, in any case, or by its place, the first being 1."""

PRICES = ("open", "high", "low", "close")

FourColumns = Annotated[tuple[Column, ...], Field(min_length=4, max_length=4)]

_PLACES = re.compile(r"\{([^{}]*)\}")


class PackageColumns(Declaration):
    """Where each field of a bar stands.

    Attributes:
        ts: time of the bar.
        bid: open, high, low and close of the bid; with `ask`, instead of the four prices. The bars
            are then those of the mid price.
        volume: in base; left out when the source has none, and then null in every row.
        quote_volume: in quote.
        n_trades: number of trades.
    """

    ts: Column
    open: Column | None = None
    high: Column | None = None
    low: Column | None = None
    close: Column | None = None
    bid: FourColumns | None = None
    ask: FourColumns | None = None
    volume: Column | None = None
    quote_volume: Column | None = None
    n_trades: Column | None = None

    @model_validator(mode="after")
    def _prices_are_whole(self) -> Self:
        prices = [self.open, self.high, self.low, self.close]
        quotes = [self.bid, self.ask]
        traded = None not in prices and quotes == [None, None]
        quoted = None not in quotes and prices == [None] * 4
        if not (traded or quoted):
            raise ValueError(
                "open, high, low and close, or else bid and ask with four columns each"
            )
        return self

    def fields(self) -> dict[str, Column]:
        """Give the column of every field: ts, open (or bid_open and ask_open), ..., n_trades."""
        named: dict[str, Column | None] = {"ts": self.ts}
        for side, four in (("bid_", self.bid), ("ask_", self.ask)):
            named |= {
                side + price: column for price, column in zip(PRICES, four or (), strict=False)
            }
        for name in (*PRICES, "volume", "quote_volume", "n_trades"):
            named[name] = getattr(self, name)
        return {field: column for field, column in named.items() if column is not None}


class PackageTime(Declaration):
    """How the files write time.

    Attributes:
        unit: of whole numbers: since 1970 UTC, or milliseconds since the midnight of the file's
            date. Left out, the magnitude tells it where all rows agree.
        format: of text, such as `%Y-%m-%d %H:%M`; with `%z` the text says its zone itself.
        zone: of times that do not say it, such as `America/New_York`. For daily bars of files with
            instants: whose days they are.
    """

    unit: Literal["s", "ms", "us", "ms_of_day"] | None = None
    format: str = ""
    zone: str = ""

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else ""
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("a time zone of the IANA list, such as America/New_York") from None

    @model_validator(mode="after")
    def _has_one_meaning(self) -> Self:
        if self.unit and self.format:
            raise ValueError("a unit for numbers or a format for text, not both")
        if self.unit == "ms_of_day" and not self.zone:
            raise ValueError("a zone, since milliseconds of a day are those of a local clock")
        if "%z" in self.format and self.zone:
            raise ValueError("no zone, since the text says its own")
        return self


class Package(BarSource):
    """A folder of Parquet or CSV files.

    Attributes:
        root: the folder.
        pattern: path of a symbol's file below it. `{symbol}` is what the vendor calls the symbol;
            `{month}` (2024-03 or 202403) or `{date}` (2024-03-01 or 20240301) where a file holds
            just that, in the declared zone. Without them one file holds all history.
        header: whether the first line of a CSV names the columns.
        label: whether a bar bears the time of its open or of its close.
        price_divisor: what prices are divided by; 10000 for LEAN's equities.
        newest_bar: whether the last bar of the newest file had ended when it was written. One that
            may have been forming is not stored.
    """

    kind: Literal["package"]
    root: Path
    pattern: str
    columns: PackageColumns
    time: PackageTime = PackageTime()
    header: bool = True
    separator: str = Field(default=",", min_length=1, max_length=1)
    label: Literal["open", "close"] = "open"
    price_divisor: int = Field(default=1, ge=1)
    newest_bar: Literal["forming", "finished"] = "forming"

    @property
    def holds_all_history(self) -> bool:
        """Whether a symbol has one file, and not one for each month or date."""
        return not any(place in self.pattern for place in ("{month}", "{date}"))

    @field_validator("pattern")
    @classmethod
    def _pattern_names_files(cls, value: str) -> str:
        places = _PLACES.findall(value)
        spans = [place for place in places if place != "symbol"]
        if "symbol" not in places or spans not in ([], ["month"], ["date"]):
            raise ValueError("a path with {symbol}, and at most one of {month} and {date}")
        if Path(value).is_absolute() or ".." in Path(value).parts:
            raise ValueError("a path below root")
        if not value.endswith(SUFFIXES):
            raise ValueError(f"a file that ends with one of {', '.join(SUFFIXES)}")
        return value

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if not self.header and any(
            isinstance(column, str) for column in self.columns.fields().values()
        ):
            raise ValueError("columns by their place (1, 2, ...), since there is no header")
        if self.time.unit == "ms_of_day" and "{date}" not in self.pattern:
            raise ValueError("a pattern with {date}, which milliseconds of the day belong to")
        if self.timeframe == "1d" and self.label == "close":
            raise ValueError("label open: a daily bar is labelled by its date")
        return self
