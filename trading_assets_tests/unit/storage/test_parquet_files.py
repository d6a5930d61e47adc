"""How tables lie in Parquet files."""

import io
from collections.abc import Callable

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.domain.ids import Month
from trading_assets.market.bar_frame import schema_hash
from trading_assets.storage import parquet_files
from trading_assets.storage.parquet_files import Footer, check_footer, decode, encode, footer

SomeBars = Callable[..., pl.DataFrame]


def test_a_month_is_zstd_in_weeks_each_with_the_bounds_of_its_columns(some_bars: SomeBars) -> None:
    bars = some_bars(44_640)
    data = encode(bars, "bars_1m/BTCUSDT/2024-03")
    meta = pq.read_metadata(io.BytesIO(data))
    assert [meta.row_group(g).num_rows for g in range(meta.num_row_groups)] == [10_080] * 4 + [4320]
    starts = []
    for group in (meta.row_group(g) for g in range(meta.num_row_groups)):
        columns = [group.column(c) for c in range(group.num_columns)]
        assert {column.compression for column in columns} == {"ZSTD"}
        assert all(column.statistics.has_min_max for column in columns)
        ts = columns[0].statistics
        assert columns[0].path_in_schema == "ts"
        starts.append(ts.min)
        assert ts.max > ts.min
    assert starts == sorted(starts)
    assert starts[0].timestamp() * 1e6 == Month(2024, 3).start
    assert_frame_equal(decode(data, "here"), bars)
    assert footer(data, "here") == Footer(44_640, schema_hash(bars))


def test_rows_out_of_the_order_of_time_are_not_written(some_bars: SomeBars) -> None:
    with pytest.raises(DataError, match="Rows of bars_1m are not in the order"):
        encode(some_bars(5).reverse(), "bars_1m")
    untimed = some_bars(5).with_columns(pl.when(pl.col("close") < 0).then("ts").alias("ts"))
    with pytest.raises(DataError, match="rows without one"):
        encode(untimed, "bars_1m")
    several_per_instant = pl.concat([some_bars(2), some_bars(2)]).sort("ts")
    assert decode(encode(several_per_instant, "bars_1m"), "here").height == 4


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1", b"not at all"])
def test_bytes_that_are_no_parquet_file_are_told_from_damage(data: bytes) -> None:
    for read in (decode, footer):
        with pytest.raises(CorruptFile, match=r"here/part-1 cannot be decoded.*written wrongly"):
            read(data, "here/part-1")


def test_a_panic_of_the_decoder_is_an_error_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def panic(*_: object) -> None:
        raise pl.exceptions.PanicException("range end index 9 out of range")

    monkeypatch.setattr(parquet_files.pl, "read_parquet", panic)
    assert not issubclass(pl.exceptions.PanicException, Exception)
    with pytest.raises(CorruptFile, match="PanicException: range end index"):
        decode(b"", "here")


def test_a_manifest_that_says_otherwise_than_its_file_is_found(some_bars: SomeBars) -> None:
    bars = some_bars(5)
    data = encode(bars, "bars_1m")
    check_footer(data, Footer(5, schema_hash(bars)), "here")
    for promised in (Footer(6, schema_hash(bars)), Footer(5, schema_hash(bars.drop("close")))):
        with pytest.raises(CorruptFile, match="something else than its file here"):
            check_footer(data, promised, "here")
