import time

import pytest

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import sha256_hex
from trading_assets.forecasting.booster import Booster
from trading_assets.forecasting.load_probe import predictions_hash, probe_model


@pytest.fixture
def model_file(tmp_path, model):
    path = tmp_path / "booster.txt"
    path.write_text(model.booster_text)
    return path


def test_a_child_process_predicts_the_same_bits(model_file, model):
    told = probe_model(model_file, sha256_hex(model_file.read_bytes()))
    assert told == predictions_hash(Booster(model.booster_text))


def test_other_bytes_are_refused_before_they_are_parsed(model_file):
    promised = sha256_hex(model_file.read_bytes())
    data = bytearray(model_file.read_bytes())
    data[len(data) // 2] ^= 1
    model_file.write_bytes(data)
    with pytest.raises(CorruptFile, match="not " + promised):
        probe_model(model_file, promised)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_file_that_kills_its_reader_is_an_error_here(model_file, part):
    data = model_file.read_bytes()
    model_file.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(CorruptFile, match="cannot be loaded"):
        probe_model(model_file, sha256_hex(model_file.read_bytes()))


@pytest.mark.parametrize("mark", ["\nend of trees\n", "\n[force_row_w", "\nend of parameters"])
def test_a_file_cut_behind_its_last_tree_is_an_error_too(model_file, mark):
    text = model_file.read_text()
    model_file.write_text(text[: text.index(mark) + len(mark)])
    with pytest.raises(CorruptFile, match="no 'end of parameters'"):
        probe_model(model_file, sha256_hex(model_file.read_bytes()))


def test_what_the_library_prints_is_no_part_of_the_answer(model_file, model):
    text = model.booster_text.replace("[force_row_wise:", "[force_row_wis:")
    assert text != model.booster_text
    model_file.write_text(text)
    told = probe_model(model_file, sha256_hex(model_file.read_bytes()))
    assert told == predictions_hash(Booster(model.booster_text))


def test_a_child_that_does_not_end_is_killed(model_file):
    started = time.monotonic()
    with pytest.raises(CorruptFile, match=r"no end after 0\.01 s"):
        probe_model(model_file, sha256_hex(model_file.read_bytes()), timeout_s=0.01)
    assert time.monotonic() - started < 10
