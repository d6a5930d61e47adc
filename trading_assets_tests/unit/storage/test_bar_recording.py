"""A recording of bars: goes on where it ended, whatever the end was like."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Symbol
from trading_assets.market.live_minutes import Revision
from trading_assets.storage.bar_recording import BarRecording

FIRST = Bar(Symbol("AAPL"), 60_000_000, 2.0, 3.0, 1.0, 2.5, 7.0, None, None)
SECOND = replace(FIRST, ts=FIRST.ts + MINUTE)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_bars_and_revisions_are_lines_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "bars.jsonl"
    revision = Revision(FIRST.symbol, FIRST.ts, FIRST, None)
    with BarRecording(path) as recording:
        assert recording.last_ts is None
        assert recording.append([FIRST, revision]) == [FIRST, revision]
        assert recording.last_ts == FIRST.ts
    bar, revised = lines(path)
    assert (bar["event"], bar["close"], bar["n_trades"]) == ("bar", 2.5, None)
    assert (revised["event"], revised["was"]["close"], revised["now"]) == ("revision", 2.5, None)


def test_it_goes_on_with_its_last_minute_and_holds_each_bar_once(tmp_path: Path) -> None:
    path = tmp_path / "bars.jsonl"
    other = replace(SECOND, symbol=Symbol("MSFT"))
    with BarRecording(path) as recording:
        recording.append([FIRST, SECOND])
    changed = replace(SECOND, close=2.75)
    with BarRecording(path) as recording:
        assert recording.last_ts == SECOND.ts
        assert recording.append([SECOND, other]) == [other]
        assert recording.append([changed]) == [Revision(SECOND.symbol, SECOND.ts, SECOND, changed)]
    assert [line["event"] for line in lines(path)] == ["bar", "bar", "bar", "revision"]


def test_a_line_that_was_cut_off_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "bars.jsonl"
    with BarRecording(path) as recording:
        recording.append([FIRST, SECOND])
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with BarRecording(path) as recording:
            recording.append([FIRST, SECOND])
        assert path.read_bytes() == whole


def test_another_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary\n")
    with pytest.raises(CorruptFile, match="line 1: b'dear diary"):
        BarRecording(path)
    assert path.read_text() == "dear diary\n"
