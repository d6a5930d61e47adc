import os
import subprocess
import sys

import numpy as np
import pytest

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.forecasting.booster import Booster, cpu_quota, lightgbm_version, train_booster


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(3_000, 4))
    return x, 0.3 * x[:, 2] + draw.normal(size=3_000)


@pytest.fixture(scope="module")
def text(rows):
    return _text(*rows)


def _text(x, y, **changes):
    params = {"seed": 7, "extra_trees": True, "bagging_fraction": 0.5, "bagging_freq": 1}
    return train_booster(x, y, names="abcd", params=params, rounds=20, **changes)


def test_training_gives_the_same_text_again_on_any_number_of_threads(rows, text):
    assert _text(*rows, threads=1) == _text(*rows, threads=2) == text
    assert "[num_threads: 0]" in text


def test_every_row_gets_the_same_bits_alone_and_in_company(rows, text):
    booster, x = Booster(text), rows[0]
    together = booster.predict(x)
    assert booster.predict(x[17:400]).tobytes() == together[17:400].tobytes()
    for row in range(50):
        assert booster.predict(x[row : row + 1])[0] == together[row]
    assert booster.predict(x[:0]).shape == (0,)


def test_what_is_learned_shows_in_the_gains(text):
    gains = Booster(text).gains()
    assert next(iter(gains)) == "c"
    assert sum(gains.values()) == pytest.approx(1.0)


def test_wrong_shapes_and_texts_are_refused(text):
    with pytest.raises(DataError, match="4 columns"):
        Booster(text).predict(np.zeros((2, 3)))
    with pytest.raises(CorruptFile, match="not a LightGBM text model"):
        Booster("forest\n")


def test_openmp_is_told_to_sleep_before_the_library_is_loaded():
    code = (
        "import os, sys\n"
        "from trading_assets.forecasting import booster\n"
        "assert 'lightgbm' not in sys.modules\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'lightgbm':\n"
        "            print(os.environ.get('OMP_WAIT_POLICY'))\n"
        "            raise SystemExit\n"
        "sys.meta_path.insert(0, Watch())\n"
        "booster.lightgbm()\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "passive"


def test_the_quota_is_within_the_machine():
    assert 1 <= cpu_quota() <= len(os.sched_getaffinity(0))


def test_the_quota_of_a_cgroup_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))
    inner, outer = tmp_path / "outer" / "inner", tmp_path / "outer"
    inner.mkdir(parents=True)
    monkeypatch.setattr(
        "trading_assets.forecasting.booster._cgroup_folders", lambda: (inner, outer, tmp_path)
    )
    assert cpu_quota() == 16
    (outer / "cpu.max").write_text("350000 100000\n")
    assert cpu_quota() == 3
    (inner / "cpu.max").write_text("max 100000\n")
    assert cpu_quota() == 3
    (inner / "cpu.max").write_text("50000 100000\n")
    assert cpu_quota() == 1


def test_the_version_is_known_without_an_import():
    assert lightgbm_version().split(".")[0].isdigit()
