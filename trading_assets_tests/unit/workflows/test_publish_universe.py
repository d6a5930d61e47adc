"""The universe as a table: its parents are months before it, and nothing later moves it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError, DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.interfaces.cli.main import app
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA
from trading_assets.market.universe import UNIVERSE_SCHEMA
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_dataset import freeze_dataset
from trading_assets.workflows.news_flags import news_flags
from trading_assets.workflows.publish_universe import publish_universe

JANUARY, FEBRUARY, MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)
BTC, OLD = Symbol("BTCUSDT"), Symbol("OLDUSDT")
FULL = {"quote": "USDT", "tick": "0.01", "lot": "0.001"}


@pytest.fixture
def two(make_desk: Callable[..., Desk]) -> Callable[..., Desk]:
    """Build a desk of two symbols that are declared in full, so that no source is asked."""

    def make(old: dict[str, str] | None = None, **variables: str) -> Desk:
        declared = {
            f"TA_INSTRUMENTS__{symbol}__{key.upper()}": value
            for symbol, facts in ((BTC, {}), (OLD, old or {}))
            for key, value in (FULL | facts).items()
        }
        return make_desk(TA_SYMBOLS='["BTCUSDT","OLDUSDT"]', **declared, **variables)

    return make


def lay(desk: Desk, symbol: Symbol, month: Month, *, volume: float = 1e6, days: int = 99) -> None:
    """Publish daily bars of a month."""
    stamps = [datetime.fromtimestamp((month.start + d * DAY) / 1e6, tz=UTC) for d in range(days)]
    stamps = [ts for ts in stamps if ts.month == month.month]
    n = len(stamps)
    columns: dict[str, Any] = {
        "ts": stamps,
        "symbol": [symbol] * n,
        **{name: [100.0] * n for name in ("open", "high", "low", "close")},
        "volume": [volume / 100] * n,
        "quote_volume": [volume] * n,
        "n_trades": [3] * n,
        "source": ["embedded"] * n,
        "n_minutes": [1440] * n,
        "complete": [True] * n,
    }
    desk.tables.publish(
        "bars_1d",
        symbol,
        month,
        pl.DataFrame(columns, schema=RESAMPLED_SCHEMA),
        code_version="1",
        parents={},
        extra={"source": "embedded"},
    )


def lay_all(desk: Desk) -> None:
    for month in (JANUARY, FEBRUARY, MARCH):
        lay(desk, BTC, month)
        lay(desk, OLD, month, volume=2e6)


def rows(desk: Desk, month: Month) -> dict[str, Any]:
    frame = desk.tables.read_manifest(desk.tables.require("universe", None, month))
    assert frame.schema == UNIVERSE_SCHEMA
    return {row["symbol"]: row for row in frame.iter_rows(named=True)}


def test_months_before_are_its_parents_and_its_members_are_ranked(two: Callable[..., Desk]) -> None:
    desk = two()
    lay_all(desk)
    published = publish_universe(desk, MARCH)
    assert published.metadata["members"] == ["OLDUSDT", "BTCUSDT"]
    assert {name for name in published.parents if name.startswith("bars_1d")} == {
        f"bars_1d/{symbol}/{month}" for symbol in (BTC, OLD) for month in (JANUARY, FEBRUARY)
    }
    assert not publish_universe(desk, MARCH).changed


def test_a_changed_month_itself_or_a_later_one_moves_nothing(two: Callable[..., Desk]) -> None:
    desk = two()
    lay_all(desk)
    first = publish_universe(desk, FEBRUARY)
    lay(desk, BTC, FEBRUARY, volume=9e9)
    lay(desk, BTC, MARCH, volume=9e9)
    again = publish_universe(desk, FEBRUARY)
    assert (again.changed, again.version) == (False, first.version)
    assert publish_universe(desk, MARCH).metadata["members"] == ["BTCUSDT", "OLDUSDT"]


def test_a_restated_month_before_gives_a_new_version(two: Callable[..., Desk]) -> None:
    desk = two()
    lay_all(desk)
    before = publish_universe(desk, FEBRUARY)
    lay(desk, BTC, JANUARY, volume=9e9)
    after = publish_universe(desk, FEBRUARY)
    assert after.changed
    assert after.version != before.version
    assert [m.version for m in desk.tables.history("universe", None, FEBRUARY)] == [
        before.version,
        after.version,
    ]


def test_a_delisted_symbol_keeps_its_months(two: Callable[..., Desk]) -> None:
    desk = two({"delisted": "2024-02-15"})
    for month in (JANUARY, FEBRUARY, MARCH):
        lay(desk, BTC, month)
    lay(desk, OLD, JANUARY, volume=2e6)
    lay(desk, OLD, FEBRUARY, volume=2e6, days=14)
    publish_universe(desk, FEBRUARY)
    publish_universe(desk, MARCH)
    assert rows(desk, FEBRUARY)["OLDUSDT"]["member"]
    assert rows(desk, MARCH)["OLDUSDT"]["reason"] == "delisted before the month"
    assert rows(desk, MARCH)["BTCUSDT"]["rank"] == 1


def test_rules_come_from_the_settings_and_are_part_of_the_version(
    two: Callable[..., Desk],
) -> None:
    desk = two()
    lay_all(desk)
    publish_universe(desk, MARCH)
    strict = two(TA_UNIVERSE__TOP_N="1")
    assert publish_universe(strict, MARCH).metadata["members"] == ["OLDUSDT"]
    assert rows(strict, MARCH)["BTCUSDT"]["reason"] == "rank 2 is beyond the first 1"
    poor = two(TA_UNIVERSE__MIN_QUOTE_VOLUME="1500000")
    assert publish_universe(poor, MARCH).metadata["members"] == ["OLDUSDT"]


def test_the_first_month_has_no_look_back_and_no_members(two: Callable[..., Desk]) -> None:
    desk = two()
    lay_all(desk)
    assert publish_universe(desk, JANUARY).metadata["members"] == []
    assert {row["reason"] for row in rows(desk, JANUARY).values()} == {"no bars in the look-back"}
    with pytest.raises(DataError, match="before history starts"):
        publish_universe(desk, Month(2023, 12))
    with pytest.raises(MissingPartition, match="bars_1d of 2024-06"):
        publish_universe(desk, Month(2024, 7))


def test_a_news_file_is_a_versioned_input(two: Callable[..., Desk], tmp_path: Any) -> None:
    file = tmp_path / "news.csv"
    file.write_text("symbol,from,to,flag\nOLDUSDT,2024-02-28,2024-03-02 12:00,hack\n")
    variables = {"TA_UNIVERSE__NEWS": "news.csv", "TA_UNIVERSE__EXCLUDE_NEWS": "true"}
    desk = two(**variables)
    lay_all(desk)
    assert publish_universe(desk, MARCH).metadata["members"] == ["BTCUSDT"]
    assert rows(desk, MARCH)["OLDUSDT"]["news"]
    file.write_text("symbol,from,to,flag\nOLDUSDT,2024-02-27,2024-02-28,hack\n")
    assert publish_universe(desk, MARCH).metadata["members"] == ["OLDUSDT", "BTCUSDT"]


def test_flags_are_the_same_from_csv_and_parquet(two: Callable[..., Desk], tmp_path: Any) -> None:
    begin = datetime(2024, 2, 28, tzinfo=UTC)
    pl.DataFrame(
        {"symbol": ["OLDUSDT"], "from": [begin], "to": [begin + timedelta(days=1)], "flag": ["x"]}
    ).write_parquet(tmp_path / "news.parquet")
    (tmp_path / "news.csv").write_text("symbol,from,to,flag\nOLDUSDT,2024-02-28,2024-02-29,x\n")
    one, other = (
        news_flags(two(TA_UNIVERSE__NEWS=name).settings) for name in ("news.csv", "news.parquet")
    )
    assert one.of(OLD) == other.of(OLD)
    assert one.of(BTC) == ()
    assert news_flags(two().settings).version == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol,from,to\nOLDUSDT,2024-02-28,2024-02-29\n", "columns symbol, from, to"),
        ("symbol,from,to,flag\nOLDUSDT,2024-02-28,2024-02-28,x\n", "row 1: `to` is not after"),
        ("symbol,from,to,flag\nOLDUSDT,28.2.2024,2024-02-29,x\n", "row 1: Invalid isoformat"),
        ("symbol,from,to,flag\n../x,2024-02-28,2024-02-29,x\n", "row 1: Not a symbol"),
        ("symbol,from,to,flag\nOLDUSDT,2024-02-28,2024-02-29,\n", "row 1: the flag has no name"),
    ],
)
def test_a_table_of_flags_that_is_wrong_is_refused(
    two: Callable[..., Desk], tmp_path: Any, text: str, message: str
) -> None:
    (tmp_path / "news.csv").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        news_flags(two(TA_UNIVERSE__NEWS="news.csv").settings)
    assert message in caught.value.found
    with pytest.raises(ConfigurationError, match=r"universe\.news"):
        news_flags(two(TA_UNIVERSE__NEWS="absent.csv").settings)


def test_all_months_of_it_are_one_data_set(two: Callable[..., Desk]) -> None:
    desk = two()
    lay_all(desk)
    publish_universe(desk, FEBRUARY)
    first = freeze_dataset(desk, "universe")
    publish_universe(desk, MARCH)
    second = freeze_dataset(desk, "universe")
    assert list(second.members) == ["universe/2024-02", "universe/2024-03"]
    assert first.version != second.version


def test_the_command_line_publishes_and_shows(
    two: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = two()
    lay_all(desk)
    monkeypatch.setenv("TA_HOME", str(desk.settings.home))
    monkeypatch.setenv("TA_SYMBOLS", '["BTCUSDT","OLDUSDT"]')
    for symbol in (BTC, OLD):
        for key, value in FULL.items():
            monkeypatch.setenv(f"TA_INSTRUMENTS__{symbol}__{key.upper()}", value)
    shown = CliRunner().invoke(app, ["data", "universe", "2024-03"], catch_exceptions=False)
    lines = [line.split() for line in shown.stdout.splitlines()[1:]]
    assert [line[:4] for line in lines] == [
        ["2024-03", "1", "OLDUSDT", "2,000,000"],
        ["2024-03", "2", "BTCUSDT", "1,000,000"],
    ]
    again = CliRunner().invoke(app, ["data", "universe"], catch_exceptions=False)
    assert again.stdout == shown.stdout
