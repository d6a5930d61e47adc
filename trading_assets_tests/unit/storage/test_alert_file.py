"""Alerts are kept line by line: nothing is lost with a process, and a torn line never counts."""

from __future__ import annotations

import pytest

from trading_assets.storage.alert_file import AlertFile, alert_files


@pytest.fixture
def file(tmp_path):
    file = AlertFile(tmp_path)
    file.add("paper", "disk", "0.5 GiB free", 10, begins=True)
    file.add("paper", "clock", "600 ms apart", 20, begins=True)
    file.add("paper", "disk", "", 30, begins=False)
    return file


def test_lines_are_numbered_and_read_from_any_place(file):
    assert [(line.n, line.alert, line.begins) for line in file.lines()] == [
        (1, "disk", True),
        (2, "clock", True),
        (3, "disk", False),
    ]
    assert [line.n for line in file.lines(after=2)] == [3]
    assert file.standing() == {"clock": "600 ms apart"}


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_line_that_was_cut_is_no_line_and_the_next_takes_its_place(file, cut):
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-cut])
    assert [line.n for line in file.lines()] == [1, 2]
    file.add("paper", "disk", "", 30, begins=False)
    assert file.path.read_bytes() == whole


def test_a_file_keeps_its_name_when_it_is_moved_and_another_has_another(file, tmp_path):
    name = file.identity
    moved = tmp_path / "live" / "paper.old-1"
    moved.mkdir(parents=True)
    file.path.rename(moved / "alerts.jsonl")
    assert (AlertFile(moved).identity, file.identity) == (name, "")
    file.add("paper", "disk", "0.5 GiB free", 11, begins=True)
    assert file.identity != name
    assert [each.path.parent for each in alert_files(tmp_path / "live")] == [moved]
    assert alert_files(tmp_path / "nowhere") == []
