"""Market time changed from outside, while clients are connected."""

import json
from itertools import pairwise

import pytest
from websockets.sync.client import connect

NOON_MS = 1_709_294_400_000


def clock(wire, **wish):
    response = wire.sim("clock", **wish) if wish else wire.http.get("/_sim/clock")
    assert response.status_code == 200, response.text
    return response.json()


def test_the_clock_says_how_it_moves(wire):
    assert clock(wire) == {
        "serverTime": NOON_MS,
        "follows_wall": False,
        "stepped": True,
        "paused": True,
        "warp": 1.0,
    }


def test_a_jump_sends_what_is_due_on_its_way(wire):
    url = f"ws://127.0.0.1:{wire.http.base_url.port}/ws/btcusdt@kline_1m"
    with connect(url) as ws:
        target = NOON_MS + 90 * 60_000
        assert clock(wire, jump_to=target)["serverTime"] == target
        closed = []
        while len(closed) < 90:
            bar = json.loads(ws.recv(timeout=5))["k"]
            if bar["x"]:
                closed.append(bar["t"])
    assert closed == list(range(NOON_MS, target, 60_000))


def test_a_running_market_is_paused_stepped_and_let_go(wired):
    with wired(stepped=False, warp=600.0) as wire:
        url = f"ws://127.0.0.1:{wire.http.base_url.port}/ws/btcusdt@kline_1m"
        with connect(url) as ws:
            first = json.loads(ws.recv(timeout=5))["k"]["t"]  # it runs without being asked
            assert clock(wire, paused=True)["paused"]
            stood = clock(wire)["serverTime"]
            assert clock(wire)["serverTime"] == stood
            assert wire.sim("step", seconds=600).json()["serverTime"] == stood + 600_000
            assert clock(wire, warp=300)["warp"] == 300.0
            clock(wire, paused=False)
            opened = [first]
            while opened[-1] < stood + 15 * 60_000:
                bar = json.loads(ws.recv(timeout=5))["k"]
                if bar["x"]:
                    opened.append(bar["t"])
    steps = {b - a for a, b in pairwise(opened[1:])}
    assert steps == {60_000}


def test_a_running_market_jumps_without_losing_a_bar(wired):
    with wired(stepped=False, warp=60.0) as wire:
        url = f"ws://127.0.0.1:{wire.http.base_url.port}/ws/btcusdt@kline_1m/ethusdt@kline_5m"
        with connect(url, max_queue=None) as ws:
            target = clock(wire)["serverTime"] + 3 * 3_600_000
            assert clock(wire, jump_to=target)["serverTime"] >= target
            opened = {"1m": [], "5m": []}
            while not opened["1m"] or opened["1m"][-1] < target:
                bar = json.loads(ws.recv(timeout=5))["k"]
                if bar["x"]:
                    opened[bar["i"]].append(bar["t"])
    for interval, length in (("1m", 60_000), ("5m", 300_000)):
        assert {b - a for a, b in pairwise(opened[interval])} == {length}
    assert len(opened["1m"]) >= 180


@pytest.mark.parametrize(
    "wish",
    [
        {"warp": 0},
        {"warp": True},
        {"jump_to": NOON_MS - 1},
        {"paused": 1},
        {"paused": False},
        {"warp": 2, "paused": True},
        {"speed": 3},
    ],
)
def test_other_changes_are_refused(shared, wish):
    response = shared.sim("clock", **wish)
    assert (response.status_code, response.json()["code"]) == (400, -1130)


def test_a_clock_on_the_wall_cannot_be_changed(wired):
    with wired(start=None, stepped=False) as wire:
        assert clock(wire)["follows_wall"]
        assert "cannot be changed" in wire.sim("clock", warp=2).json()["msg"]


@pytest.mark.parametrize(
    ("settings", "accepted"),
    [
        ({}, {"wall", "market"}),
        ({"timestamps": "wall"}, {"wall"}),
        ({"timestamps": "off"}, {"wall", "market", "neither"}),
        ({"stepped": False, "warp": 600.0}, {"wall", "market", "neither"}),
        ({"stepped": False, "warp": 2.0, "timestamps": "wall"}, {"wall"}),
    ],
)
def test_which_timestamps_are_taken_is_a_setting(wired, settings, accepted):
    with wired(**settings) as wire:
        market = wire.get("time").json()["serverTime"]
        stamps = {"wall": {}, "market": {"timestamp": market}, "neither": {"timestamp": 1}}
        answers = {name: wire.signed("GET", "account", **stamp) for name, stamp in stamps.items()}
    assert {name for name, answer in answers.items() if answer.status_code == 200} == accepted
    for name in answers.keys() - accepted:
        assert answers[name].json()["code"] == -1021
