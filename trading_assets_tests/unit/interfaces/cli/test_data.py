"""`trading-assets data`, as a person uses it."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from trading_assets.domain.errors import (
    ConfigurationError,
    DataError,
    MissingPartition,
    UnknownSymbol,
)
from trading_assets.domain.ids import Month
from trading_assets.interfaces.cli import data

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[5] / "shared")
_MONTHS = ("2018-02", "2020-02", "2020-03", "2024-12", "2025-01")
_GAP = re.compile(r"\| (\d{4}-\d\d-\d\d \d\d:\d\d) \| (\d{4}-\d\d-\d\d \d\d:\d\d) \| (\d+) \|")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of this group in a desk of its own; errors come through as they are."""
    variables = {
        "TA_HOME": str(tmp_path / "home"),
        "TA_SOURCE": "archive",
        "TA_ARCHIVE_ROOT": str(tmp_path / "mirror"),
        "TA_SYMBOLS": '["BTCUSDT"]',
        "TA_HISTORY_START": "2018-01",
        "COLUMNS": "200",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def command(*words: str, **others: str) -> Result:
        result = CliRunner().invoke(data.app, list(words), env=others)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return command


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """One month of minutes, of which 100 to 109 are missing."""
    month = Month(2024, 3)
    folder = tmp_path / "mirror/monthly/klines/BTCUSDT/1m"
    folder.mkdir(parents=True)
    minutes = pl.int_range(31 * 1440, eager=True)
    opens = month.start // 1000 + minutes.filter((minutes < 100) | (minutes > 109)) * 60_000
    numbers = [pl.lit(x).alias(str(i)) for i, x in enumerate((1.5, 2.0, 1.0, 1.25, 3.0))]
    rest = [pl.lit(x).alias(f"r{i}") for i, x in enumerate((4.5, 7, 1.0, 1.5, 0))]
    frame = pl.DataFrame({"open": opens}).select(
        "open", *numbers, (pl.col("open") + 59_999).alias("close"), *rest
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m-2024-03.csv", frame.write_csv(include_header=False))
    path = folder / "BTCUSDT-1m-2024-03.zip"
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.with_name(path.name + ".CHECKSUM").write_text(f"{digest}  {path.name}\n")
    return path


@pytest.mark.usefixtures("mirror")
def test_ingest_brings_in_a_month_and_says_what_is_there(run: Run) -> None:
    output = run("ingest", "BTCUSDT", "2024-03").output
    lines = [line.split() for line in output.splitlines()]
    assert [line[:4] for line in lines[1:]] == [
        ["raw_klines", "BTCUSDT", "2024-03", "1"],
        ["bars_1m", "BTCUSDT", "2024-03", "44630"],
        ["bars_5m", "BTCUSDT", "2024-03", "8926"],
        ["bars_1h", "BTCUSDT", "2024-03", "744"],
        ["bars_1d", "BTCUSDT", "2024-03", "31"],
    ]
    assert all(line[-1] == "yes" for line in lines[1:])
    again = run("ingest", "BTCUSDT", "2024-03", "--refresh").output
    assert "yes" not in again


@pytest.mark.usefixtures("mirror")
def test_a_backfill_goes_on_after_a_month_that_fails_and_says_so(run: Run) -> None:
    result = run("backfill", "--from", "2024-02", "--to", "2024-03")
    assert result.exit_code == 1
    assert "bars_1d" in result.stdout
    assert "BTCUSDT 2024-02: MissingPartition: The archive has no file" in result.stderr
    assert run("backfill", "--from", "2024-03", "--to", "2024-03").exit_code == 0


@pytest.mark.usefixtures("mirror")
def test_a_backfill_names_months_outside_the_listing_and_does_not_fail(run: Run) -> None:
    delisted = {
        "TA_INSTRUMENTS__BTCUSDT__LISTED": "2024-03-01",
        "TA_INSTRUMENTS__BTCUSDT__DELISTED": "2024-04-01",
    }
    result = run("backfill", "--from", "2024-02", "--to", "2024-04", **delisted)
    assert (result.exit_code, result.stdout.count("2024-03")) == (0, 5)
    for month in ("2024-02", "2024-04"):
        assert f"BTCUSDT {month}: BTCUSDT was not traded" in result.stderr


@pytest.mark.usefixtures("mirror")
def test_quality_lists_the_gaps_for_people_and_for_programs(run: Run) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    gap = {
        "symbol": "BTCUSDT",
        "start": "2024-03-01 01:39",
        "end": "2024-03-01 01:50",
        "minutes": 10,
        "cause": "unexplained",
        "confirmed": "",
        "native_bars": None,
    }
    assert json.loads(run("quality", "--json").stdout) == [gap]
    assert json.loads(run("quality", "--json", TA_SOURCE="embedded").stdout) == []
    chosen = run("quality", "--symbol", "BTCUSDT", "--month", "2024-03").stdout
    assert "last bar before" in chosen
    assert "2024-03-01 01:39" in chosen
    with pytest.raises(DataError, match="2024-04"):
        run("quality", "--month", "2024-04")


@pytest.mark.usefixtures("mirror")
def test_the_report_counts_what_else_was_found(run: Run) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    (month,) = json.loads(run("quality", "--report", "--json").stdout)
    assert (month["received"], month["rows"], month["unexplained_gaps"]) == (44630, 44630, 1)
    assert month["details"]["early_closes"] == {"count": 0, "rows": []}
    assert "early closes" in run("quality", "--report").stdout


@pytest.mark.usefixtures("mirror")
def test_repair_asks_the_vendor_and_writes_down_what_it_does_not_have(run: Run) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    lines = run("repair").stdout.splitlines()
    assert lines[1].split() == ["BTCUSDT", "2024-03", "0", "0", "10", "1"]
    (gap,) = json.loads(run("quality", "--json").stdout)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", gap["confirmed"])
    missing = run("repair", "BTCUSDT", "2024-04")
    assert missing.exit_code == 1
    assert "BTCUSDT 2024-04: MissingPartition" in missing.stderr


def test_diff_prints_old_and_new_values(run: Run, mirror: Path) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    with pytest.raises(MissingPartition, match="no earlier version"):
        run("diff", "BTCUSDT", "2024-03")
    with zipfile.ZipFile(mirror) as archive:
        text = archive.read("BTCUSDT-1m-2024-03.csv").decode()
    restated = text.replace(",1.25,", ",1.75,", 1)
    with zipfile.ZipFile(mirror, "w") as archive:
        archive.writestr("BTCUSDT-1m-2024-03.csv", restated)
    digest = hashlib.sha256(mirror.read_bytes()).hexdigest()
    mirror.with_name(mirror.name + ".CHECKSUM").write_text(f"{digest}  {mirror.name}\n")
    run("ingest", "BTCUSDT", "2024-03")
    lines = run("diff", "BTCUSDT", "2024-03").stdout.splitlines()
    assert lines[2] == "1 changed, 0 added, 0 removed"
    assert lines[3] == (
        "partitions made of the old rows: "
        "bars_1d/BTCUSDT/2024-03, bars_1h/BTCUSDT/2024-03, bars_5m/BTCUSDT/2024-03"
    )
    assert lines[5].split() == [
        *("2024-03-01", "00:00", "changed"),
        *("close", "1.25", "close", "1.75"),
    ]
    found = json.loads(run("diff", "BTCUSDT", "2024-03", "--version", "1", "--json").stdout)
    assert (found["changed"], found["old"]["version"], found["new"]["version"]) == (1, 1, 2)
    (minute,) = found["minutes"]
    assert (minute["close_old"], minute["close_new"]) == (1.25, 1.75)
    with pytest.raises(DataError, match="Not an instant"):
        run("diff", "BTCUSDT", "2024-03", "--as-of", "yesterday")
    with pytest.raises(MissingPartition):
        run("diff", "BTCUSDT", "2024-03", "--as-of", "2021-05-20")


@pytest.mark.usefixtures("mirror")
def test_verify_names_one_flipped_bit(run: Run, tmp_path: Path) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    clean = run("verify")
    assert clean.exit_code == 0
    assert "tables: 4 files" in clean.stdout
    assert "raw: 1 files" in clean.stdout
    (path,) = (tmp_path / "home").rglob("raw/archive/**/*.zip")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    path.write_bytes(damaged)
    found = run("verify")
    assert found.exit_code == 1
    assert f"File {path} is damaged" in found.stderr


@pytest.mark.usefixtures("mirror")
def test_show_prints_versions_and_rows(run: Run) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    output = run("show", "BTCUSDT", "2024-03", "--rows", "2").stdout
    assert "2024-03-01 00:01:00+00:00" in output
    assert "2024-03-01 00:02:00+00:00" not in output
    assert run("show", "BTCUSDT", "2024-03", "--version", "1", "--rows", "2").stdout == output
    with pytest.raises(DataError, match="no such version"):
        run("show", "BTCUSDT", "2024-03", "--version", "2")


def test_what_is_mistyped_is_said(run: Run) -> None:
    with pytest.raises(UnknownSymbol, match="Not a symbol"):
        run("ingest", "btc/usdt", "2024-03")
    with pytest.raises(DataError, match="Not a month"):
        run("ingest", "BTCUSDT", "2024-13")


@pytest.mark.oracle
def test_the_gaps_of_the_real_archives_are_those_of_their_description(run: Run) -> None:
    root = _SHARED / "data" / "binance" / "spot"
    if not root.is_dir():
        pytest.skip(f"no archives at {root}")
    for month in _MONTHS:
        archive = {"TA_ARCHIVE_ROOT": str(root)}
        assert run("backfill", "--from", month, "--to", month, **archive).exit_code == 0
    rows = json.loads(run("quality", "--json").stdout)
    printed = _GAP.findall((_SHARED / "data" / "README.md").read_text())
    assert rows == [
        {
            "symbol": "BTCUSDT",
            "start": before,
            "end": after,
            "minutes": int(minutes),
            "cause": "venue_outage",
            "confirmed": "",
            "native_bars": None,
        }
        for before, after, minutes in printed
        if before[:7] in _MONTHS
    ]
    assert len(rows) == 6


@pytest.mark.usefixtures("mirror")
def test_fetch_stores_bytes_only_and_assemble_needs_no_source(run: Run, tmp_path: Path) -> None:
    span = ("--from", "2024-03", "--to", "2024-03")
    assert "raw_klines" in run("fetch", *span).stdout
    assert not list((tmp_path / "home").rglob("part-*.parquet"))
    (tmp_path / "mirror").rename(tmp_path / "gone")
    assert run("assemble", *span).stdout.count("yes") == 4
    missing = run("assemble", "--from", "2024-02", "--to", "2024-03")
    assert missing.exit_code == 1
    assert "BTCUSDT 2024-02: MissingPartition" in missing.stderr


@pytest.mark.usefixtures("mirror")
def test_export_writes_the_span_in_the_spelling_that_was_asked_for(
    run: Run, tmp_path: Path
) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    span = ("--from", "2024-03-01T01:00", "--to", "2024-03-01T03:00")
    upper, lower = tmp_path / "upper.csv", tmp_path / "lower.parquet"
    said = run("export", "BTCUSDT", str(upper), *span, "--timeframe", "1h", "--case", "upper")
    assert said.stdout.startswith("2 bars in ")
    first, second, *_ = upper.read_text().splitlines()
    assert first.startswith("ts_utc,symbol,Open,High,Low,Close,Volume,quote_volume,n_trades")
    assert second.startswith("2024-03-01T01:00:00Z,BTCUSDT,1.5,2.0,1.0,1.25,150.0,")
    run("export", "BTCUSDT", str(lower), *span)
    frame = pl.read_parquet(lower)
    assert frame.height == 110  # ten of the first hour's minutes are missing
    assert frame.columns[:3] == ["ts_utc", "symbol", "open"]
    with pytest.raises(ConfigurationError, match="there already"):
        run("export", "BTCUSDT", str(lower), *span)
    with pytest.raises(ConfigurationError, match="no format"):
        run("export", "BTCUSDT", str(tmp_path / "x.xlsx"), *span)
    with pytest.raises(DataError, match="not published then"):
        run("export", "BTCUSDT", str(tmp_path / "x.csv"), *span, "--as-of", "2020-01-01")
    with pytest.raises(DataError, match="2024-04 is missing"):
        run(
            "export",
            "BTCUSDT",
            str(tmp_path / "x.csv"),
            "--from",
            "2024-03-31",
            "--to",
            "2024-05-01",
        )


@pytest.mark.usefixtures("mirror")
def test_show_as_of_gives_what_was_published_by_then(run: Run) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    assert (
        "2024-03-01 00:01:00" in run("show", "BTCUSDT", "2024-03", "--as-of", "2999-01-01").stdout
    )
    with pytest.raises(DataError, match="no such version"):
        run("show", "BTCUSDT", "2024-03", "--as-of", "2020-01-01")


def test_gc_lists_what_may_go_and_why_the_rest_stays_and_removes_only_when_told(
    run: Run, mirror: Path
) -> None:
    run("ingest", "BTCUSDT", "2024-03")
    bars = Path(os.environ["TA_HOME"]) / "data/tables/bars_1m/symbol=BTCUSDT/month=2024-03"
    with zipfile.ZipFile(mirror) as archive:
        text = archive.read("BTCUSDT-1m-2024-03.csv").decode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m-2024-03.csv", text.replace(",1.25,", ",1.75,", 1))
    mirror.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    mirror.with_name(mirror.name + ".CHECKSUM").write_text(f"{digest}  {mirror.name}\n")
    run("ingest", "BTCUSDT", "2024-03", "--refresh")
    assert "may go: 0 versions" in run("gc").stdout
    for path in (bars.parents[3]).rglob("manifest-*.json"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    listed = run("gc", "--grace-days", "90").stdout
    assert "bars_1m/BTCUSDT/2024-03" in listed
    assert "the oldest of 2020-09-13" in listed
    assert "Nothing was removed" in listed
    assert (bars / "manifest-1.json").exists()
    gone = run("gc", "--delete").stdout
    counted = re.search(r"removed: (\d+) versions, (\d+) files, [\d.]+ MB", gone)
    assert counted
    assert f"may go: {counted[1]} versions, {counted[2]} files" in listed
    assert sorted(path.name for path in bars.glob("manifest-*")) == ["manifest-2.json"]
    assert "0 faults" in run("verify").stdout
    assert "may go: 0 versions, 0 files" in run("gc").stdout
    with pytest.raises(DataError, match="is gone"):
        run("show", "BTCUSDT", "2024-03", "--as-of", "2020-01-01")


@pytest.mark.parametrize(
    "command",
    [
        "ingest",
        "fetch",
        "assemble",
        "backfill",
        "verify",
        "show",
        "export",
        "quality",
        "repair",
        "gc",
    ],
)
def test_the_help_of_every_command_shows_an_example(run: Run, command: str) -> None:
    assert f"Example: trading-assets data {command}" in run(command, "--help").stdout


def test_a_bar_follows_the_objects_of_a_month() -> None:
    with data._progress() as progress:
        told = data._told(progress, progress.add_task("BTCUSDT 2024-03", total=None))
        for done in range(4):
            told(done, 4)
    assert [(task.completed, task.total) for task in progress.tasks] == [(3, 4)]
