"""The way back to the release before: by a person, and by a check that has gone red."""

from types import SimpleNamespace

import pytest

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import load_settings
from trading_assets.storage.release_store import ReleaseStore
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.switch_release import demote, roll_back
from trading_assets_tests.unit.storage.test_release_store import FILES, facts


class Desk(SimpleNamespace):
    @property
    def latched(self):
        return live_book(self.settings, "paper").latched()

    @property
    def current(self):
        return self.releases.current_id("paper")

    def publish(self, letter):
        release, _ = self.releases.publish("paper", facts(letter * 64), FILES, after=self.current)
        return release

    def demote(self, release):
        return demote(
            self, "paper", release_id=release.release_id, reason="it differs", source="parity"
        )


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    settings = load_settings().settings
    releases = ReleaseStore(settings.data_root / "releases")
    return Desk(settings=settings, releases=releases, clock=WallClock())


def test_a_book_goes_back_to_the_release_before(desk):
    first, second = desk.publish("a"), desk.publish("b")

    assert first.release_id in desk.demote(second)
    assert desk.current == first.release_id
    assert desk.latched is None


def test_a_release_is_found_wanting_once_however_often_it_is_said(desk):
    first, second, third = (desk.publish(letter) for letter in "abc")

    desk.demote(third)
    assert desk.demote(third).startswith("nothing")

    assert desk.current == second.release_id != first.release_id


def test_without_a_release_before_entries_are_halted(desk):
    only = desk.publish("a")

    assert "entries of book paper are halted" in desk.demote(only)
    assert (desk.latched.level, desk.latched.source) == (HaltLevel.PAUSE, "parity")
    assert desk.current == only.release_id


def test_entries_are_halted_when_the_release_before_is_damaged(desk):
    first, second = desk.publish("a"), desk.publish("b")
    (first.folder / "spec.yaml").write_text("name: other\n")

    assert "entries of book paper are halted" in desk.demote(second)
    assert desk.latched.level is HaltLevel.PAUSE


def test_a_book_that_settings_tie_to_a_release_is_halted_and_not_taken_back(desk):
    first, second = desk.publish("a"), desk.publish("b")
    tied = desk.settings.books["paper"].model_copy(update={"release": second.release_id})
    desk.settings.books["paper"] = tied

    assert "entries of book paper are halted" in desk.demote(second)
    assert desk.latched.level is HaltLevel.PAUSE
    assert desk.current == second.release_id
    with pytest.raises(ConfigurationError, match="tie book paper to one release"):
        roll_back(desk, "paper", reason="x", by="ada")
    assert first.release_id != second.release_id


def test_a_book_at_a_real_venue_is_halted_as_well(desk):
    first, second = desk.publish("a"), desk.publish("b")
    real = desk.settings.books["paper"].model_copy(update={"venue": "binance"})
    desk.settings.books["paper"] = real

    desk.demote(second)

    assert desk.current == first.release_id
    assert desk.latched.level is HaltLevel.PAUSE


@pytest.mark.parametrize(("reason", "by"), [(" ", "ada"), ("late fills", "")])
def test_a_release_is_taken_back_with_a_reason_and_a_name(desk, reason, by):
    desk.publish("a")
    desk.publish("b")
    with pytest.raises(ConfigurationError, match="with a reason and a name"):
        roll_back(desk, "paper", reason=reason, by=by)
