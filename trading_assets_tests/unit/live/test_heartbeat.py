"""A sign of life is whole, and says of which boot it is."""

from __future__ import annotations

import os
from dataclasses import replace

from trading_assets.live.heartbeat import read_heartbeat, write_heartbeat


def test_the_latest_sign_of_life_counts(tmp_path):
    path = tmp_path / "heartbeat.json"
    assert read_heartbeat(path) is None
    write_heartbeat(path, book="demo", state="starting", seq=1, ts=2, beat=3)
    write_heartbeat(path, book="demo", state="trading", seq=4, ts=5, beat=6)
    found = read_heartbeat(path)

    assert (found.book, found.state, found.seq, found.ts, found.beat) == (
        "demo",
        "trading",
        4,
        5,
        6,
    )
    assert found.pid == os.getpid()
    assert found.is_of_this_boot
    assert not replace(found, boot_id="another").is_of_this_boot
    assert [p.name for p in tmp_path.iterdir()] == ["heartbeat.json"]
