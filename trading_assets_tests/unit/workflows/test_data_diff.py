"""Two versions of a month, minute by minute."""

from collections.abc import Callable
from typing import Any

import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.workflows.data_diff import data_diff, plain_row
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.publish_bars import publish_bars_1m

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
CsvOf = Callable[..., str]


@pytest.fixture
def patient(archive: Any, make_desk: Callable[..., Desk]) -> Desk:
    """A desk to which a few minutes are a month."""
    return make_desk(
        TA_SOURCE="archive",
        TA_ARCHIVE_ROOT=str(archive.root),
        TA_QUALITY__MAX_GAP_MINUTES="50000",
    )


def at(minute: int) -> int:
    return MARCH.start + minute * MINUTE


def put(archive: Any, csv_of: CsvOf, minutes: list[int], restated: int | None = None) -> None:
    text = csv_of([at(i) for i in minutes])
    if restated is not None:
        line = csv_of([at(restated)])
        text = text.replace(line, line.replace(",1.5,", ",1.75,"))
    archive.put("2024-03", text)


def publish(desk: Desk) -> dict[str, Any]:
    ingest_month(desk, BTC, MARCH)
    return dict(publish_bars_1m(desk, BTC, MARCH).metadata)


def test_changed_added_and_removed_minutes_are_told_with_both_values(
    archive: Any, patient: Desk, csv_of: CsvOf
) -> None:
    put(archive, csv_of, [0, 1, 2, 4, 5])
    first = publish(patient)
    put(archive, csv_of, [1, 2, 3, 4, 5, 6, 7], restated=4)
    second = publish(patient)
    diff = data_diff(patient, BTC, MARCH)
    assert (diff.old.n, diff.new.n) == (1, 2)
    assert diff.counts() == {"changed": 1, "added": 3, "removed": 1}
    rows = [plain_row(row) for row in diff.restated.iter_rows(named=True)]
    assert [(r["minute"][-5:], r["change"]) for r in rows] == [
        ("00:00", "removed"),
        ("00:03", "added"),
        ("00:04", "changed"),
    ]
    assert (rows[2]["old"], rows[2]["new"]) == ("volume 1.5", "volume 1.75")
    assert rows[0]["new"] == rows[1]["old"] == ""
    assert first["restated"] == 0
    assert (second["restated"], second["restated_minutes"]) == (3, rows)


def test_bars_that_came_later_are_new_and_not_restated(
    archive: Any, patient: Desk, csv_of: CsvOf
) -> None:
    put(archive, csv_of, [0, 1, 2])
    publish(patient)
    put(archive, csv_of, [0, 1, 2, 3, 4])
    told = publish(patient)
    assert told["restated"] == 0
    assert "restated_minutes" not in told
    assert data_diff(patient, BTC, MARCH).counts() == {"changed": 0, "added": 2, "removed": 0}


def test_an_older_version_is_chosen_by_number_or_by_instant(
    archive: Any, patient: Desk, csv_of: CsvOf
) -> None:
    for restated in (1, 2, 1):
        put(archive, csv_of, [0, 1, 2], restated=restated)
        publish(patient)
    history = patient.tables.history("bars_1m", BTC, MARCH)
    assert data_diff(patient, BTC, MARCH).old.n == 2
    assert data_diff(patient, BTC, MARCH, version=1).minutes.is_empty()
    chosen = data_diff(patient, BTC, MARCH, as_of=history[1].published_at)
    assert (chosen.old.n, chosen.counts()["changed"]) == (2, 2)
    with pytest.raises(DataError, match="no version 9"):
        data_diff(patient, BTC, MARCH, version=9)
    with pytest.raises(MissingPartition, match="no earlier version"):
        data_diff(patient, BTC, MARCH, as_of=history[0].published_at - 1)


def test_a_month_that_was_never_restated_has_no_diff(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    market_month(archive_desk, BTC, MARCH)
    with pytest.raises(MissingPartition, match="no earlier version with other rows"):
        data_diff(archive_desk, BTC, MARCH)


def test_a_damaged_earlier_version_stops_no_new_one_and_is_told(
    archive: Any, patient: Desk, csv_of: CsvOf
) -> None:
    put(archive, csv_of, [0, 1, 2])
    publish(patient)
    (path,) = patient.tables.root.rglob("bars_1m/**/*.parquet")
    path.write_bytes(path.read_bytes()[:-7])
    put(archive, csv_of, [0, 1, 2], restated=1)
    told = publish(patient)
    assert "is damaged" in told["earlier_version"]
    assert "restated" not in told
