"""What settings of books say, in the terms of the executor."""

from trading_assets.domain.control import HaltLevel
from trading_assets.live.policies.breakers import BreakerTerms
from trading_assets.settings import load_settings
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_settings import policies_of


def test_a_book_has_the_breakers_of_all_unless_it_has_its_own(tmp_path):
    (tmp_path / "trading_assets.toml").write_text(
        "[live]\nbreaker_drawdown_pct = 25\n"
        "[books.paper]\nbreaker_level = 'flatten'\nbreaker_volatility_x = 0\n"
    )
    settings = load_settings({"TA_HOME": str(tmp_path)}).settings
    paper, demo = (policies_of(settings, live_book(settings, of)) for of in ("paper", "demo"))
    assert paper.breakers == BreakerTerms(0.25, 0.0, 10.0, HaltLevel.FLATTEN)
    assert demo.breakers == BreakerTerms(0.25, 7.0, 10.0, HaltLevel.HALT)
