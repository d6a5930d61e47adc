import pytest

from trading_assets.domain.errors import CorruptFile
from trading_assets.storage.trial_store import LEDGER, TrialBatches, append_trials, read_trials

ROW = {"sharpe": 1.25, "span": 12, "daily": [0.1, -0.2]}


def test_batches_come_back_as_they_were_saved(tmp_path):
    batches = TrialBatches(tmp_path / "sweep")
    batches.save({"a": ROW})
    batches.save({"b": {**ROW, "daily": None}})

    assert batches.load() == {"a": ROW, "b": {**ROW, "daily": None}}
    assert not [path for path in batches.folder.iterdir() if path.suffix != ".parquet"]

    batches.clear()
    assert batches.load() == {}


def test_a_batch_that_is_no_table_is_not_taken_for_an_empty_one(tmp_path):
    batches = TrialBatches(tmp_path)
    batches.save({"a": ROW})
    next(tmp_path.glob("batch-*.parquet")).write_bytes(b"PAR1 no")

    with pytest.raises(CorruptFile):
        batches.load()


def test_a_line_that_a_crash_cut_off_joins_no_row(tmp_path):
    append_trials(tmp_path, [{"key": "a"}, {"key": "b"}])
    with (tmp_path / LEDGER).open("ab") as ledger:
        ledger.write(b'{"key": "c", "sha')

    assert [row["key"] for row in read_trials(tmp_path)] == ["a", "b"]
    append_trials(tmp_path, [{"key": "d"}])
    assert [row["key"] for row in read_trials(tmp_path)] == ["a", "b", "d"]


def test_nothing_to_append_makes_no_ledger(tmp_path):
    append_trials(tmp_path, [])

    assert not (tmp_path / LEDGER).exists()
    assert read_trials(tmp_path) == []
