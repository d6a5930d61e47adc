import pytest

from trading_assets.domain.errors import CorruptFile, InvariantError
from trading_assets.storage.folders import (
    INDEX,
    index_of,
    publish_folder,
    read_file,
    read_index,
    read_json,
    verify_folder,
)

FILES = {"a.txt": b"one", "deep/b.json": b"[2]"}


def test_a_folder_appears_whole_with_its_index(tmp_path):
    folder = tmp_path / "runs" / "r1"
    assert publish_folder(folder, FILES)
    assert sorted(read_index(folder)) == ["a.txt", "deep/b.json"]
    assert read_file(folder, "a.txt") == b"one"
    assert read_json(folder, "deep/b.json") == [2]
    assert verify_folder(folder) == 2
    assert (folder / INDEX).read_bytes() == index_of(FILES)


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    folder = tmp_path / "r1"
    publish_folder(folder, FILES)
    assert not publish_folder(folder, {"a.txt": b"other"})
    assert read_file(folder, "a.txt") == b"one"


def test_what_a_killed_writer_left_is_removed(tmp_path):
    orphan = tmp_path / ".tmp-dead"
    orphan.mkdir()
    (orphan / "half").write_bytes(b"x")
    publish_folder(tmp_path / "r1", FILES)
    assert not orphan.exists()


@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_damage_is_found_and_named(tmp_path, damage):
    folder = tmp_path / "r1"
    publish_folder(folder, FILES)
    path = folder / "deep" / "b.json"
    if damage == "flip":
        path.write_bytes(b"[3]")
    else:
        path.unlink()
    with pytest.raises(CorruptFile, match=r"b\.json"):
        verify_folder(folder)
    with pytest.raises(CorruptFile, match=r"b\.json"):
        read_file(folder, "deep/b.json")


def test_files_that_are_not_listed_are_not_read(tmp_path):
    folder = tmp_path / "r1"
    publish_folder(folder, FILES)
    (folder / "late.txt").write_bytes(b"x")
    with pytest.raises(CorruptFile, match=r"late\.txt"):
        read_file(folder, "late.txt")
    (folder / INDEX).unlink()
    with pytest.raises(CorruptFile, match="no index"):
        read_index(folder)


@pytest.mark.parametrize("name", ["../out", "/etc/x", "a/../../b"])
def test_a_file_cannot_leave_its_folder(tmp_path, name):
    with pytest.raises(InvariantError):
        publish_folder(tmp_path / "r1", {name: b""})
    assert not (tmp_path / "r1").exists()
