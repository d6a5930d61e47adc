"""Klines as files: the layout and units of data.binance.vision, and the same bars as served."""

import hashlib
import zipfile
from datetime import date

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.archive_files import Market, Span, spans

DAY = Span(date(2024, 2, 29), date(2024, 2, 29), is_month=False)


def read(path):
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return name, archive.read(name).decode().splitlines()


def test_whole_months_are_monthly_and_other_days_daily():
    cut = [span.name for span in spans(date(2024, 1, 30), date(2024, 4, 2))]
    assert cut == [
        "2024-01-30", "2024-01-31", "2024-02", "2024-03", "2024-04-01", "2024-04-02",
    ]  # fmt: skip


def test_a_file_holds_the_bars_that_are_served(wire, tmp_path):
    market = Market(("SOLUSDT",), ("1m",), 7, 0.5)
    assert market.write("SOLUSDT", "1m", DAY, tmp_path) == 1_440
    folder = tmp_path / "data/spot/daily/klines/SOLUSDT/1m"
    name, lines = read(folder / "SOLUSDT-1m-2024-02-29.zip")
    assert name == "SOLUSDT-1m-2024-02-29.csv"
    opened = 1_709_164_800_000
    served = wire.get("klines", symbol="SOLUSDT", interval="1m", startTime=opened, limit=1000)
    assert lines[:1000] == [",".join(str(value) for value in row) for row in served.json()]
    content = (folder / "SOLUSDT-1m-2024-02-29.zip").read_bytes()
    digest, told = (folder / "SOLUSDT-1m-2024-02-29.zip.CHECKSUM").read_text().split()
    assert (digest, told) == (hashlib.sha256(content).hexdigest(), "SOLUSDT-1m-2024-02-29.zip")


def test_equal_seeds_write_equal_bytes_and_other_seeds_other_ones(tmp_path):
    def written(seed, name):
        Market(("SOLUSDT",), ("1h",), seed, 0.5).write("SOLUSDT", "1h", DAY, tmp_path / name)
        return next((tmp_path / name).rglob("*.zip")).read_bytes()

    assert written(7, "a") == written(7, "b")
    assert written(7, "a") != written(8, "c")


def test_times_are_microseconds_from_2025_on(tmp_path):
    market = Market(("SOLUSDT",), ("1d", "1M"), 7, 0.5)
    day = Span(date(2025, 1, 1), date(2025, 1, 1), is_month=False)
    market.write("SOLUSDT", "1d", day, tmp_path)
    _, (line,) = read(next(tmp_path.rglob("*-1d-*.zip")))
    assert line.split(",")[0] == "1735689600000000"
    assert line.split(",")[6] == "1735775999999999"
    month = Span(date(2025, 1, 1), date(2025, 1, 31), is_month=True)
    assert market.write("SOLUSDT", "1M", month, tmp_path) == 1
    assert (tmp_path / "data/spot/monthly/klines/SOLUSDT/1mo/SOLUSDT-1mo-2025-01.zip").exists()


def test_days_before_the_listing_have_no_file(tmp_path):
    day = Span(date(2016, 1, 1), date(2016, 1, 1), is_month=False)
    assert Market(("SOLUSDT",), ("1m",), 7, 0.5).write("SOLUSDT", "1m", day, tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_interval_is_refused():
    with pytest.raises(ConfigurationError, match="No such interval"):
        Market(("SOLUSDT",), ("7m",), 7, 0.5)
