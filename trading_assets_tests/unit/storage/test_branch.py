"""Folders beside a desk."""

import pytest

from trading_assets.domain.errors import ConfigurationError, ConflictError
from trading_assets.storage.branch import link_folder, open_branch


def test_a_branch_without_a_name_is_gone_and_what_it_links_stays(tmp_path):
    desk = tmp_path / "runs/one"
    desk.mkdir(parents=True)
    (desk / "file").write_text("kept")
    with open_branch(tmp_path) as folder:
        for _ in range(2):
            link_folder(folder / "runs/one", desk)
        (folder / "own").write_text("made")
        assert (folder / "runs/one/file").read_text() == "kept"
    assert not folder.exists()
    assert (desk / "file").read_text() == "kept"


def test_a_link_follows_a_desk_that_was_moved(tmp_path):
    for place in ("before", "after"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "file").write_text(place)
    link_folder(tmp_path / "link", tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "moved")
    link_folder(tmp_path / "link", tmp_path / "after")
    assert (tmp_path / "link/file").read_text() == "after"


def test_it_is_gone_when_its_worker_fails(tmp_path):
    with pytest.raises(KeyboardInterrupt), open_branch(tmp_path) as folder:
        raise KeyboardInterrupt
    assert not folder.exists()


def test_a_branch_with_a_name_stays_and_has_one_worker(tmp_path):
    with open_branch(tmp_path, "dear") as folder:
        (folder / "own").write_text("made")
        with pytest.raises(ConflictError), open_branch(tmp_path, "dear"):
            pass
        with open_branch(tmp_path, "other") as other:
            assert other != folder
    with open_branch(tmp_path, "dear") as again:
        assert (again / "own").read_text() == "made"


@pytest.mark.parametrize("name", ["../up", "a b", "/etc"])
def test_a_name_is_no_path(tmp_path, name):
    with pytest.raises(ConfigurationError), open_branch(tmp_path, name):
        pass
