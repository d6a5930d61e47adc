"""What makes a table of bars valid, and the identity of its rows."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import (
    between,
    empty_bars,
    row_content_hash,
    schema_hash,
    validate_bars,
)
from trading_assets.market.resample import resample

BarsAt = Callable[..., pl.DataFrame]
BTC = Symbol("BTCUSDT")


def test_good_bars_pass(bars_at: BarsAt) -> None:
    validate_bars(bars_at(range(10)), BTC)
    validate_bars(bars_at([0, 7, 9]), BTC)
    validate_bars(resample(bars_at(range(10)), Timeframe.M5), BTC, Timeframe.M5)
    validate_bars(empty_bars(), BTC)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"close": None}, "a value is missing"),
        ({"symbol": "ETHUSDT"}, "the symbol is not BTCUSDT"),
        ({"ts": pl.col("ts") - timedelta(minutes=1)}, "time does not increase"),
        ({"ts": pl.col("ts") + timedelta(seconds=1)}, "off the grid"),
        ({"open": float("nan")}, "not positive and finite"),
        ({"low": 0.0}, "not positive and finite"),
        ({"high": 102.9}, "do not enclose"),
        ({"low": 102.1}, "do not enclose"),
        ({"volume": -1.0}, "negative or not finite"),
        ({"n_trades": None}, "an amount is missing in some rows only"),
        ({"quote_volume": float("inf")}, "negative or not finite"),
        ({"n_trades": -1}, "negative or not finite"),
    ],
)
def test_one_bad_row_is_named_with_its_rule(
    bars_at: BarsAt, change: dict[str, object], rule: str
) -> None:
    frame = bars_at(range(10))
    bad_row = pl.int_range(pl.len()) == 2
    frame = frame.with_columns(
        pl.when(bad_row)
        .then(value if isinstance(value, pl.Expr) else pl.lit(value))
        .otherwise(pl.col(name))
        .cast(frame.schema[name])
        .alias(name)
        for name, value in change.items()
    )
    with pytest.raises(DataError, match=rule) as caught:
        validate_bars(frame, BTC)
    assert "1 of 10 rows" in caught.value.found
    assert f"open {frame['open'][2]}" in caught.value.found


def test_amounts_that_a_source_does_not_give_are_null_everywhere(bars_at: BarsAt) -> None:
    frame = bars_at(range(3))
    nothing = {name: pl.lit(None, dtype=frame.schema[name]) for name in ("volume", "n_trades")}
    validate_bars(frame.with_columns(**nothing), BTC)


def test_other_columns_are_refused(bars_at: BarsAt) -> None:
    with pytest.raises(DataError, match="wrong columns"):
        validate_bars(bars_at(range(3)).drop("source"), BTC)
    with pytest.raises(DataError, match="wrong columns"):
        validate_bars(bars_at(range(3)), BTC, Timeframe.M5)


def test_the_row_hash_depends_on_values_only(bars_at: BarsAt) -> None:
    frame = bars_at(range(10))
    chunks = pl.concat([frame[:4], frame[4:]], rechunk=False)
    assert row_content_hash(chunks) == row_content_hash(frame)
    assert row_content_hash(frame[2:]) == row_content_hash(bars_at(range(2, 10)))
    for other in (
        frame.reverse(),
        frame[:-1],
        frame.rename({"open": "first"}),
        frame.with_columns(pl.col("n_trades").cast(pl.Int32)),
        frame.with_columns(pl.lit(None, dtype=pl.Float64).alias("close")),
        frame.with_columns(pl.col("close") + 1e-12),
    ):
        assert row_content_hash(other) != row_content_hash(frame)


def test_the_row_hash_of_known_rows_never_changes() -> None:
    frame = pl.DataFrame(
        {
            "ts": pl.Series([0, None], dtype=pl.Datetime("us", "UTC")),
            "text": ["ä", None],
            "flag": [True, None],
            "value": [1.5, float("nan")],
            "count": [-1, 2],
        }
    )
    assert row_content_hash(frame) == KNOWN_HASH


KNOWN_HASH = "dfe29eca4c2d611bdb44dc62528f56b86858ac639739163511c038aaf470e736"


def test_text_borders_and_nulls_are_part_of_the_row_hash() -> None:
    def hash_of(*texts: str | None) -> str:
        return row_content_hash(pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))

    assert (
        len({hash_of("ab", "c"), hash_of("a", "bc"), hash_of("abc", ""), hash_of("abc", None)}) == 4
    )


def test_all_nans_are_one_value() -> None:
    bits = pl.Series([0x7FF8000000000000, 0x7FF8000000000001], dtype=pl.UInt64)
    quiet, other = (bits[i : i + 1].to_numpy().view("float64") for i in range(2))
    first, second = (pl.DataFrame({"x": values}) for values in (quiet, other))
    assert row_content_hash(first) == row_content_hash(second)


def test_a_type_without_canonical_bytes_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be hashed"):
        row_content_hash(pl.DataFrame({"x": [[1, 2]]}))


def test_the_schema_hash_depends_on_names_types_and_order(bars_at: BarsAt) -> None:
    frame = bars_at(range(2))
    assert schema_hash(frame) == schema_hash(bars_at(range(5)))
    assert schema_hash(frame) != schema_hash(frame.select(reversed(frame.columns)))


def test_between_is_half_open(bars_at: BarsAt) -> None:
    start = Month(2024, 3).start
    frame = bars_at(range(10)).filter(between(start + 2 * MINUTE, start + 4 * MINUTE))
    assert frame["open"].to_list() == [102.0, 103.0]
