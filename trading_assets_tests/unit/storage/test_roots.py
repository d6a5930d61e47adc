"""One port to folders and object stores: the same contract, on a disk and on a real S3 server."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from trading_assets.domain.errors import ConfigurationError, StorageUnavailable
from trading_assets.storage.object_root import ObjectPath
from trading_assets.storage.roots import Place, folder_at, open_root, uri_of


@pytest.fixture(params=["disk", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "disk":
        return open_root(str(tmp_path / "root"))
    return open_root(request.getfixturevalue("s3_url"))


def test_a_name_is_made_once_and_its_content_stays(root: Place) -> None:
    folder = folder_at(root / "a" / "b")
    assert folder.create("file-1", b"one")
    assert not folder.create("file-1", b"two")
    assert folder.read("file-1") == b"one"
    assert folder.size("file-1") == 3
    assert folder.digest("file-1")[1] == 3
    assert folder.modified("file-1") > 1_700_000_000_000_000
    assert folder.names() == ["file-1"]


def test_of_many_writers_exactly_one_makes_the_name(root: Place) -> None:
    writers = 6
    barrier = Barrier(writers)

    def create(writer: int) -> bool:
        barrier.wait()
        return folder_at(root / "a").create("file", b"%d" % writer)

    with ThreadPoolExecutor(writers) as pool:
        won = list(pool.map(create, range(writers)))
    assert sum(won) == 1
    assert folder_at(root / "a").read("file") == b"%d" % won.index(True)


def test_what_is_not_there_is_not_there(root: Place) -> None:
    folder = folder_at(root / "none")
    assert (folder.names(), folder.folders(), folder.exists("x"), folder.sweep()) == ([], [], 0, 0)
    folder.delete("x")
    for ask in (folder.read, folder.size, folder.modified, folder.digest):
        with pytest.raises(FileNotFoundError):
            ask("x")


def test_folders_and_files_are_listed_apart(root: Place) -> None:
    for place in (root / "t" / "month=2", root / "t" / "month=1" / "deep", root / "t"):
        folder_at(place).create("file", b"")
    assert folder_at(root / "t").folders() == ["month=1", "month=2"]
    assert "file" in folder_at(root / "t").names()
    folder_at(root / "t").delete("file")
    assert not folder_at(root / "t").exists("file")
    assert folder_at(root / "t" / "month=2").exists("file")


def test_places_print_and_join_alike() -> None:
    place = open_root("s3://some-bucket/a/b/")
    assert str(place / "c.json") == "s3://some-bucket/a/b/c.json"
    assert (place.name, str(place.parent)) == ("b", "s3://some-bucket/a")
    assert str(place.with_name("x")) == "s3://some-bucket/a/x"
    assert uri_of(place) == "s3://some-bucket/a/b"
    assert uri_of(Path("/a b")) == "file:///a%20b"
    assert str(open_root("s3://some-bucket") / "x") == "s3://some-bucket/x"


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "s3://B", "gs://bucket", "s3://"])
def test_another_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="without credentials") as caught:
        open_root(url)
    assert "secret" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_told_from_an_empty_one(s3_url: str) -> None:
    assert s3_url
    with pytest.raises(StorageUnavailable, match=r"did not serve s3://no-such-bucket/x"):
        folder_at(ObjectPath.from_url("s3://no-such-bucket/x")).names()


def test_other_errors_of_the_disk_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        folder_at(tmp_path / "file").create("inside", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
