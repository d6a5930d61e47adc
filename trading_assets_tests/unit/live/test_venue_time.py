"""The venue is asked on purpose; naming an instant never fails and never goes back."""

from __future__ import annotations

import pytest

from trading_assets.domain.errors import RecoveryError, VenueUnavailable
from trading_assets.live.venue_time import VenueTime


def test_the_latest_answer_stands_and_time_never_goes_back(kit):
    venue = kit.Venue()
    clock = VenueTime(venue)
    assert clock.poll() == kit.START
    venue.advance(5)
    assert clock.now() == kit.START
    assert clock.poll() == kit.START + 5_000_000
    venue.market = kit.START
    assert clock.poll() == clock.now() == kit.START + 5_000_000


def test_a_silent_venue_leaves_the_latest_answer(kit):
    venue = kit.Venue()
    clock = VenueTime(venue, not_before=kit.START)
    venue.down = 1
    with pytest.raises(VenueUnavailable):
        clock.poll()

    assert clock.now() == kit.START


def test_a_clock_behind_the_journal_is_another_one(kit):
    with pytest.raises(RecoveryError, match="behind the journal"):
        VenueTime(kit.Venue(), not_before=kit.START + 1).poll()
