"""Watermark and snapshots say the truth, or nothing."""

from __future__ import annotations

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.storage.journal_files import Mark, Snapshot, Snapshots, Watermark


def _marked(path, count):
    watermark = Watermark(path)
    watermark.create()
    for seq in range(1, count + 1):
        watermark.advance(Mark(seq, seq * 7))
    watermark.close()


def test_a_watermark_that_was_never_written_is_none(tmp_path):
    assert Watermark(tmp_path / "watermark").read() is None


def test_the_highest_mark_counts(tmp_path):
    _marked(tmp_path / "watermark", 5)

    assert Watermark(tmp_path / "watermark").read() == Mark(5, 35)


@pytest.mark.parametrize("count", [4, 5])
def test_a_torn_write_leaves_the_mark_before_it(tmp_path, count):
    path = tmp_path / "watermark"
    _marked(path, count)
    data = bytearray(path.read_bytes())
    newest = (count % 2) * 16
    for cut in range(16):
        torn = bytearray(data)
        torn[newest + cut] ^= 0x10
        path.write_bytes(bytes(torn))

        assert Watermark(path).read() == Mark(count - 1, (count - 1) * 7)


def test_a_reopened_watermark_never_overwrites_its_newest_mark(tmp_path):
    path = tmp_path / "watermark"
    _marked(path, 3)
    watermark = Watermark(path)
    watermark.read()
    watermark.advance(Mark(4, 4))
    watermark.close()
    data = bytearray(path.read_bytes())
    data[(4 % 2) * 16] ^= 1
    path.write_bytes(bytes(data))

    assert Watermark(path).read() == Mark(3, 21)


def test_a_watermark_without_a_whole_mark_stops_the_start(tmp_path):
    path = tmp_path / "watermark"
    path.write_bytes(b"\xff" * 32)

    with pytest.raises(RecoveryError, match="damaged"):
        Watermark(path).read()


def test_only_the_last_snapshots_stay(tmp_path):
    snapshots = Snapshots(tmp_path)
    for seq in range(1, 6):
        snapshots.save(Snapshot(Mark(seq, seq), b"state %d" % seq))

    assert [s.mark.seq for s in snapshots.all()] == [3, 4, 5]
    assert snapshots.all()[-1].payload == b"state 5"


def test_a_damaged_snapshot_is_left_out_and_listed(tmp_path):
    snapshots = Snapshots(tmp_path)
    snapshots.save(Snapshot(Mark(1, 1), b"good"))
    path = snapshots.save(Snapshot(Mark(2, 2), b"bad"))
    for position in range(path.stat().st_size):
        data = bytearray(path.read_bytes())
        data[position] ^= 0x04
        path.write_bytes(bytes(data))
        found = snapshots.all()
        data[position] ^= 0x04
        path.write_bytes(bytes(data))

        assert found[0].payload == b"good"
        assert len(found) == 1 or found[-1].payload == b"bad"
    path.write_bytes(path.read_bytes()[:-1])

    assert [s.payload for s in snapshots.all()] == [b"good"]
    assert snapshots.damaged() == (path,)
