import pytest

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.workflows.freeze_dataset import freeze_dataset, table_manifests

_JANUARY, _FEBRUARY = Month(2024, 1), Month(2024, 2)


def test_a_data_set_is_its_partitions_by_version(desk):
    frozen = freeze_dataset(desk, "features_5m")
    assert set(frozen.members) == {
        f"features_5m/{symbol}/{month}"
        for symbol in ("BTCUSDT", "SOLUSDT")
        for month in (_JANUARY, _FEBRUARY)
    }
    assert frozen.rows == 2 * 60 * 288
    assert frozen.months == (_JANUARY, _FEBRUARY)
    assert frozen == freeze_dataset(desk, "features_5m")
    assert frozen.version != freeze_dataset(desk, "bars_5m").version


def test_one_changed_month_changes_the_hash_and_changing_it_back_restores_it(
    tmp_path, make_desk_in, publish_bars
):
    desk = make_desk_in(tmp_path)
    symbol = Symbol("SOLUSDT")
    for month in (_JANUARY, _FEBRUARY):
        publish_bars(desk, symbol, month)
    before = freeze_dataset(desk, "bars_5m")
    publish_bars(desk, symbol, _JANUARY, seed=1)
    assert freeze_dataset(desk, "bars_5m").version != before.version
    publish_bars(desk, symbol, _JANUARY)
    assert freeze_dataset(desk, "bars_5m").version == before.version


def test_only_symbols_months_and_source_of_the_settings_count(tmp_path, make_desk_in, publish_bars):
    desk = make_desk_in(tmp_path, TA_HISTORY_START="2024-02", TA_SYMBOLS='["SOLUSDT"]')
    for month in (_JANUARY, _FEBRUARY):
        for symbol in (Symbol("SOLUSDT"), Symbol("BTCUSDT")):
            publish_bars(desk, symbol, month)
    assert set(freeze_dataset(desk, "bars_5m").members) == {"bars_5m/SOLUSDT/2024-02"}
    assert table_manifests(desk, "bars_5m", before=_FEBRUARY) == []
    other = make_desk_in(tmp_path, TA_SOURCE="archive", TA_ARCHIVE_ROOT=str(tmp_path))
    with pytest.raises(MissingPartition, match="of source archive"):
        freeze_dataset(other, "bars_5m")
