import copy

from trading_assets.domain.errors import ConfigurationError, RateLimited, VenueError


def test_the_message_says_what_expected_found_and_what_to_do():
    error = ConfigurationError("Port", expected="a free port", found="8787 in use", fix="Stop it.")
    assert str(error) == "Port; expected a free port; found 8787 in use. Stop it."
    assert (error.what, error.found) == ("Port", "8787 in use")


def test_an_error_survives_a_copy_with_all_it_carries():
    error = copy.copy(RateLimited("Too many requests", retry_after_ms=250))
    assert (error.retry_after_ms, error.code, error.status) == (250, -1003, 429)
    assert isinstance(error, VenueError)
