"""Immutable files and exclusive pointers."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from trading_assets.domain.errors import ConflictError, CorruptFile, StorageUnavailable
from trading_assets.domain.ids import sha256_hex
from trading_assets.storage import pointers, roots


def test_the_highest_number_is_current_and_the_others_are_history(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert pointers.current(folder, "manifest") is None
    for n in range(1, 12):
        assert pointers.publish_exclusive(folder, "manifest", b"%d" % n) == n
    assert pointers.current(folder, "manifest") == (11, b"11")
    assert pointers.history(folder, "manifest")[1] == (2, b"2")
    assert pointers.current(folder, "other") is None


def test_a_writer_that_read_an_older_version_loses_and_overwrites_nothing(tmp_path: Path) -> None:
    pointers.publish_exclusive(tmp_path, "manifest", b"first", after=0)
    with pytest.raises(ConflictError, match=r"manifest-1\.json"):
        pointers.publish_exclusive(tmp_path, "manifest", b"late", after=0)
    assert pointers.current(tmp_path, "manifest") == (1, b"first")
    assert [path.name for path in tmp_path.iterdir()] == ["manifest-1.json"]


def test_of_many_writers_at_once_exactly_one_wins(tmp_path: Path) -> None:
    writers = 8
    barrier = Barrier(writers)

    def publish(writer: int) -> int:
        barrier.wait()
        try:
            pointers.publish_exclusive(tmp_path, "manifest", b"%d" % writer, after=0)
        except ConflictError:
            return 0
        return 1

    with ThreadPoolExecutor(writers) as pool:
        assert sum(pool.map(publish, range(writers))) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_equal_content_is_one_file_and_other_content_another(tmp_path: Path) -> None:
    first = pointers.write_immutable(tmp_path, "part", ".bin", b"one")
    assert first.name == f"part-{sha256_hex(b'one')[:16]}.bin"
    before = first.stat().st_mtime_ns
    assert pointers.write_immutable(tmp_path, "part", ".bin", b"one") == first
    assert first.stat().st_mtime_ns == before
    assert pointers.write_immutable(tmp_path, "part", ".bin", b"two") != first


def test_a_rotten_file_is_reported_and_never_overwritten(tmp_path: Path) -> None:
    path = pointers.write_immutable(tmp_path, "part", ".bin", b"one")
    path.write_bytes(b"onf")
    with pytest.raises(CorruptFile) as caught:
        pointers.write_immutable(tmp_path, "part", ".bin", b"one")
    assert str(path) in str(caught.value)
    assert caught.value.expected == f"sha256 {sha256_hex(b'one')}"
    assert sha256_hex(b"onf") in caught.value.found
    assert path.read_bytes() == b"onf"


def test_reading_proves_every_byte(tmp_path: Path) -> None:
    path = pointers.write_immutable(tmp_path, "part", ".bin", b"content")
    sha256 = sha256_hex(b"content")
    assert pointers.read_verified(path, sha256) == b"content"
    assert pointers.check_file(path, sha256) == 7
    path.write_bytes(b"conten")
    for check in (pointers.read_verified, pointers.check_file):
        with pytest.raises(CorruptFile, match="over 6 bytes"):
            check(path, sha256)
    path.unlink()
    for check in (pointers.read_verified, pointers.check_file):
        with pytest.raises(CorruptFile, match="is missing"):
            check(path, sha256)


def test_files_of_a_killed_writer_are_swept_and_those_of_a_living_one_are_not(
    tmp_path: Path,
) -> None:
    code = """
import sys
from pathlib import Path
from trading_assets.storage import pointers, roots
with roots.temporary(Path(sys.argv[1]), b"half"):
    print("writing", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "part.bin")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        assert pointers.sweep(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 1
        writer.kill()
    assert pointers.sweep(tmp_path) == 1
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(roots.os, "fsync", fail)
    with pytest.raises(StorageUnavailable, match=r"room on the disk that holds .*No space left"):
        pointers.write_immutable(tmp_path, "part", ".bin", b"one")
    assert not list(tmp_path.iterdir())


def test_any_flipped_bit_of_a_sealed_pointer_is_noticed(tmp_path: Path) -> None:
    payload = pointers.sealed({"rows": 5, "file": "part-1.parquet"})
    assert pointers.unsealed(payload, tmp_path) == {"rows": 5, "file": "part-1.parquet"}
    for place in range(len(payload)):
        for bit in range(8):
            flipped = bytearray(payload)
            flipped[place] ^= 1 << bit
            with pytest.raises(CorruptFile, match="damaged"):
                pointers.unsealed(bytes(flipped), tmp_path)
