"""Bars that a person brings: proven, and given the columns that strategies look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Symbol, symbol_from_text
from trading_assets.market.bar_frame import PRICES, RESAMPLED_SCHEMA, TS, row_text
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions
from trading_assets.records.sound_bars import are_amounts, are_ascending, are_whole, smallest_step
from trading_assets.strategies.evaluate import open_times

_NEEDED = ("ts", *PRICES)
_OPTIONAL = ("volume", "quote_volume")


def frames_by_symbol(bars: object, symbols: tuple[Symbol, ...]) -> dict[Symbol, pl.DataFrame]:
    """Sort what was given by symbol: one table, or a table per symbol.

    One table is of the only symbol of the spec, unless it has a column `symbol`.

    Raises:
        DataError: if it is neither, or one table is given for several symbols.
        UnknownSymbol: if a name is no symbol.
    """
    if isinstance(bars, Mapping):
        return {symbol_from_text(name): _table(frame, name) for name, frame in bars.items()}
    frame = _table(bars, symbols[0] if len(symbols) == 1 else "the bars")
    if "symbol" in frame.columns:
        if len(symbols) == 1 and symbols_of(frame) == symbols:
            return {symbols[0]: frame}
        parts = frame.partition_by("symbol", maintain_order=True)
        return {symbol_from_text(part["symbol"][0]): part for part in parts}
    if len(symbols) != 1:
        raise DataError(
            "One table of bars for several symbols",
            expected=f"a table per symbol ({', '.join(symbols)}), or a column `symbol`",
            found=f"columns {', '.join(frame.columns)}",
        )
    return {symbols[0]: frame}


def symbols_of(bars: object) -> tuple[Symbol, ...]:
    """Name the symbols that bars say they are of, in their order; of a bare table none.

    Raises:
        UnknownSymbol: if a name is no symbol.
    """
    if isinstance(bars, Mapping):
        return tuple(symbol_from_text(name) for name in bars)
    if not isinstance(bars, pl.DataFrame | pl.LazyFrame):
        return ()
    if "symbol" not in bars.collect_schema():
        return ()
    named = bars.lazy().select("symbol").collect()["symbol"]
    # `unique` takes five times as long as to see that all are one.
    if named.len() and not named.has_nulls() and (named == named[0]).all():
        return (symbol_from_text(named[0]),)
    return tuple(symbol_from_text(name) for name in named.unique(maintain_order=True))


def proven_bars(
    frame: pl.DataFrame,
    symbol: Symbol,
    timeframe: Timeframe,
    sessions: Callable[[pl.DataFrame], Sessions | None] = lambda _: None,
) -> pl.DataFrame:
    """Prove bars of one symbol and lay them out for strategies; smaller bars are resampled.

    Args:
        frame: `ts` (open time, with a zone), `open, high, low, close` in quote; `volume` in base
            and whatever else strategies look at are optional. Capital letters do not matter.
        symbol: whose they are.
        timeframe: size that the spec trades.
        sessions: gives those of the symbol's calendar over proven smaller bars, which larger ones
            are then cut by; minutes outside of them are left out. None for a market that never
            closes.

    Returns:
        At least the columns of `RESAMPLED_SCHEMA`; what was not given is null.

    Raises:
        DataError: naming symbol, bar time, rule and value of the first row that breaks one:
            columns, types, time (missing, not increasing), prices (missing, NaN, not positive,
            infinite, high or low not around open and close), volume (negative, NaN); or if the
            bars are of a size that bars of the spec's cannot be made of.
    """
    table = _typed(_named(frame, symbol), symbol).rechunk()  # so that arrays need no copy
    require_sound(table, symbol)
    size = smallest_step(open_times(table))
    if size in {0, timeframe.micros}:
        return _laid_out(table, symbol, timeframe)
    smaller = {s.micros: s for s in Timeframe if s.micros < timeframe.micros}
    if size not in smaller:
        raise DataError(
            f"Bars of {symbol} are of another size",
            expected=" or ".join([timeframe.value, *(one.value for one in smaller.values())]),
            found=f"{size / Timeframe.M1.micros:g} minutes between the nearest two",
        )
    return resample(_smaller(table, symbol, smaller[size]), timeframe, sessions=sessions(table))


def require_sound(table: pl.DataFrame, symbol: Symbol) -> None:
    """Refuse bars of one symbol of which a row breaks a rule of time, prices or volume.

    Args:
        table: `ts`, prices as floats, `volume` and `quote_volume` if known; no other is looked at.
        symbol: whose they are.

    Raises:
        DataError: naming symbol, bar time, rule and value of the first such row.
    """
    if not _are_sound(table, symbol):
        _require_sound_rows(table, symbol)


def _table(frame: object, name: str) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if not isinstance(frame, pl.DataFrame):
        raise DataError(
            f"Bars of {name} are not a table",
            expected="a polars DataFrame",
            found=type(frame).__name__,
            fix="polars.from_pandas(frame, include_index=True) makes one of pandas'.",
        )
    return frame


def _named(frame: pl.DataFrame, symbol: Symbol) -> pl.DataFrame:
    """Write the names of bar columns small; two spellings of one are ambiguous."""
    known = {*RESAMPLED_SCHEMA}
    renamed: dict[str, str] = {}
    for name in frame.columns:
        small = name.lower()
        if small not in known:
            continue
        if small in renamed.values():
            raise DataError(
                f"Bars of {symbol} have a column twice",
                expected=f"one column {small}",
                found=", ".join(n for n in frame.columns if n.lower() == small),
            )
        renamed[name] = small
    missing = [name for name in _NEEDED if name not in renamed.values()]
    if missing:
        raise DataError(
            f"Bars of {symbol} lack {', '.join(missing)}",
            expected=", ".join(_NEEDED),
            found=", ".join(frame.columns) or "no column",
            fix="`ts` is the open time of the bar.",
        )
    return frame.rename(renamed)


def _typed(frame: pl.DataFrame, symbol: Symbol) -> pl.DataFrame:
    dtype = frame.schema["ts"]
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
        raise DataError(
            f"Bars of {symbol}: ts is no instant",
            expected="a datetime with a time zone",
            found=str(dtype),
            fix='For times in UTC: .with_columns(pl.col("ts").dt.replace_time_zone("UTC")).',
        )
    numbers = [name for name in (*PRICES, *_OPTIONAL) if name in frame.columns]
    for name in numbers:
        given = frame.schema[name]
        if not (given.is_numeric() or (name in _OPTIONAL and given == pl.Null)):
            raise DataError(
                f"Bars of {symbol}: {name} is not a number", expected="floats", found=str(given)
            )
    return frame.with_columns(
        pl.col("ts").dt.convert_time_zone("UTC").cast(TS), pl.col(numbers).cast(pl.Float64)
    )


def _are_sound(frame: pl.DataFrame, symbol: Symbol) -> bool:
    """Tell quickly that no rule is broken; false where it takes `_require_sound_rows` to say."""
    amounts = [name for name in _OPTIONAL if name in frame.columns]
    amounts = [name for name in amounts if frame[name].null_count() < frame.height]
    named = ["symbol"] if "symbol" in frame.columns else []
    if any(frame[name].has_nulls() for name in (*_NEEDED, *amounts, *named)):
        return False
    if named and not (frame["symbol"] == symbol).all():
        return False
    return (
        are_ascending(open_times(frame))
        and are_whole(*(frame[name].to_numpy() for name in PRICES))
        and all(are_amounts(frame[name].to_numpy()) for name in amounts)
    )


def _require_sound_rows(frame: pl.DataFrame, symbol: Symbol) -> None:
    prices = pl.col(*PRICES)
    volumes = [pl.col(name) for name in _OPTIONAL if name in frame.columns]
    step = pl.col("ts").diff().dt.total_microseconds()
    of_symbol = pl.col("symbol") == symbol if "symbol" in frame.columns else pl.lit(value=True)
    rules: list[tuple[str, str, pl.Expr]] = [
        ("it is of another symbol", symbol, of_symbol),
        ("it has no time", "a time in every row", pl.col("ts").is_not_null()),
        ("its time comes twice", "times that increase", (step != 0).fill_null(value=True)),
        ("its time goes back", "times that increase", (step > 0).fill_null(value=True)),
        ("a price is missing or not finite", "finite prices", pl.all_horizontal(
            prices.is_not_null() & prices.is_finite())),
        ("a price is not positive", "prices above 0", pl.all_horizontal(prices > 0)),
        ("its high is below its low", "low <= high", pl.col("low") <= pl.col("high")),
        ("high and low do not enclose open and close", "low <= open, close <= high",
            pl.all_horizontal(
                (pl.col("low") <= pl.col("open", "close"))
                & (pl.col("open", "close") <= pl.col("high"))
            )),
    ]  # fmt: skip
    if volumes:
        sound = [v.is_null() | (v.is_finite() & (v >= 0)) for v in volumes]
        rules.append(("a volume is negative or not finite", "0 or more", pl.all_horizontal(sound)))
    verdicts = frame.select(ok.alias(str(n)) for n, (_, _, ok) in enumerate(rules))
    for number, (text, expected, _) in enumerate(rules):
        bad = (~verdicts[str(number)].fill_null(value=False)).arg_true()
        if len(bad):
            row = frame.select(name for name in (*_NEEDED, "volume") if name in frame.columns)
            raise DataError(
                f"Bar of {symbol} at {row['ts'][bad[0]]}: {text}",
                expected=expected,
                found=f"row {bad[0]}: {row_text(row, bad[0])}"
                + (f"; {len(bad)} rows break this rule" if len(bad) > 1 else ""),
                fix="Sort the rows by ts." if text.endswith("back") else "",
            )


def _smaller(frame: pl.DataFrame, symbol: Symbol, size: Timeframe) -> pl.DataFrame:
    """Give smaller bars as `resample` takes them; it knows no column of one's own."""
    own = [name for name in frame.columns if name not in RESAMPLED_SCHEMA]
    if own:
        raise DataError(
            f"Bars of {symbol}: columns of your own cannot be resampled",
            expected="bars of the spec's size, or the columns of bars alone",
            found=f"bars of {size.value} with {', '.join(own)}",
        )
    laid = _laid_out(frame, symbol, size).drop("n_minutes", "complete")
    if size is Timeframe.M1:
        return laid
    return laid.with_columns(n_minutes=pl.lit(size.minutes, pl.Int32))


def _laid_out(frame: pl.DataFrame, symbol: Symbol, timeframe: Timeframe) -> pl.DataFrame:
    """Add the columns that tables of the desk have; columns of one's own stay behind them."""
    made = {
        "symbol": pl.lit(symbol),
        "source": pl.lit("own"),
        "n_minutes": pl.lit(timeframe.minutes),
        "complete": pl.lit(value=True),
    }
    columns = [
        (pl.col(name) if name in frame.columns else made.get(name, pl.lit(None)))
        .cast(dtype)
        .alias(name)
        for name, dtype in RESAMPLED_SCHEMA.items()
    ]
    own = [name for name in frame.columns if name not in RESAMPLED_SCHEMA]
    return frame.select(*columns, *own)
