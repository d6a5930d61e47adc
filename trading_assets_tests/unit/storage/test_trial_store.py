import numpy as np
import pytest

from trading_assets.domain.errors import CorruptFile
from trading_assets.storage.trial_store import DailyReturns, TrialBatches, TrialReturns

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


def test_daily_returns_come_back_and_a_changed_file_is_refused(tmp_path):
    kept = TrialReturns(tmp_path)
    days, returns = np.array([0, 86_400_000_000]), np.array([0.1, -0.25])

    file = kept.save({"a": DailyReturns(days, returns), "b": DailyReturns(days[:1], returns[:1])})

    found = kept.load(file)
    assert found["a"].days.tolist() == days.tolist()
    assert found["a"].returns.tolist() == returns.tolist()
    assert len(found["b"].returns) == 1
    assert kept.count() == 2
    (tmp_path / file["file"]).write_bytes(b"PAR1 no")
    with pytest.raises(CorruptFile):
        kept.load(file)
