"""The latch: up at a touch, up when it cannot be read, and down only for the halt that was seen."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.live.safety.latch import lift_latch, read_latch, write_latch
from trading_assets_tests.stand_ins.tiny_venue import Doom, Killed


@pytest.fixture
def path(tmp_path):
    return tmp_path / "HALT"


def test_no_file_is_no_halt(path):
    assert read_latch(path) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the HALT file is there"),
        ("news at noon\n", "news at noon"),
        ('{"level": "NOTHING"}', '{"level": "NOTHING"}'),
        ("[1]", "[1]"),
    ],
)
def test_a_file_of_any_text_halts_with_it(path, text, reason):
    path.write_text(text)
    latched = read_latch(path)
    assert (latched.level, latched.reason, latched.source) == (HaltLevel.HALT, reason, "file")


def test_bytes_that_are_no_text_halt_too(path):
    path.write_bytes(b"\xff\x00\xfe" * 10_000)
    assert read_latch(path).level is HaltLevel.HALT


def test_a_latch_that_cannot_be_read_is_a_halt(path):
    path.mkdir()
    latched = read_latch(path)
    assert latched.level is HaltLevel.HALT
    assert "cannot be read" in latched.reason


def test_what_was_written_is_read_and_a_level_never_falls(path):
    write_latch(path, HaltRequest("sell it", HaltLevel.FLATTEN, "cli", "ann"))
    first = read_latch(path)
    write_latch(path, HaltRequest("just wait", HaltLevel.PAUSE, "http", "bob"))
    second = read_latch(path)

    assert (first.level, first.reason, first.who) == (HaltLevel.FLATTEN, "sell it", "ann")
    assert (second.level, second.reason, second.who) == (HaltLevel.FLATTEN, "just wait", "bob")
    assert first.identity != second.identity
    assert [p.name for p in path.parent.iterdir()] == ["HALT"]


def test_a_latch_goes_up_where_its_text_has_no_space(path, monkeypatch):
    def no_space(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", no_space)
        with pytest.raises(OSError, match="No space"):  # of the folder, after the file is there
            write_latch(path, HaltRequest("stop"))

    assert read_latch(path).level is HaltLevel.HALT


def test_only_the_latch_that_was_seen_is_lifted(path):
    write_latch(path, HaltRequest("first"))
    seen = read_latch(path).identity
    write_latch(path, HaltRequest("second"))

    assert not lift_latch(path, seen)
    assert read_latch(path).reason == "second"
    assert lift_latch(path, read_latch(path).identity)
    assert read_latch(path) is None
    assert lift_latch(path, "whatever")


@pytest.mark.parametrize("kill_at", range(1, 9))
@pytest.mark.parametrize("is_later", [False, True], ids=["the one seen", "a later one"])
def test_a_kill_while_one_is_lifted_loses_no_later_one(path, kill_at, is_later, monkeypatch):
    write_latch(path, HaltRequest("first"))
    seen = read_latch(path).identity
    if is_later:
        write_latch(path, HaltRequest("second"))
    doom = Doom(kill_at)
    with monkeypatch.context() as patched:
        for name in ("replace", "unlink", "hardlink_to"):
            patched.setattr(Path, name, _deadly(getattr(Path, name), doom))
        with suppress(Killed):
            assert lift_latch(path, seen) is not is_later

    latched = read_latch(path)
    assert latched is None or latched.reason == ("second" if is_later else "first")
    assert latched is not None or not is_later
    assert lift_latch(path, seen) is not is_later
    assert (read_latch(path) is not None) is is_later
    assert list(path.parent.iterdir()) == ([path] if is_later else [])


def _deadly(call, doom):
    """Give a call before and after which the process may die."""

    def wrapped(*arguments, **more):
        doom.point()
        answer = call(*arguments, **more)
        doom.point()
        return answer

    return wrapped


def test_a_folder_in_its_place_stays_a_halt_that_nobody_lifts(path):
    path.mkdir()
    assert not lift_latch(path, read_latch(path).identity)
    assert read_latch(path) is not None
    assert path.is_dir()
