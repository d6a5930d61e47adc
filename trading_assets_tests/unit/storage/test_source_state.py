import subprocess

import pytest

from trading_assets.storage import source_state as module
from trading_assets.storage.source_state import source_state


@pytest.fixture(autouse=True)
def _forget():
    source_state.cache_clear()
    yield
    source_state.cache_clear()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with one commit, in place of ours."""
    monkeypatch.setattr(module, "_PACKAGE", tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    (tmp_path / "file.py").write_text("1\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout):
    state = source_state()
    assert len(state["code.commit"]) == 40
    assert state["code.dirty"] == "false"


def test_a_changed_file_makes_it_dirty(checkout):
    (checkout / "file.py").write_text("2\n")
    assert source_state()["code.dirty"] == "true"


def test_without_git_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PACKAGE", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert source_state() == {}
    source_state.cache_clear()
    monkeypatch.setenv("PATH", "")
    assert source_state() == {}
