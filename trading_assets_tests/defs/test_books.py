"""No job that Dagster can start reaches a book with real money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from trading_assets.bootstrap import desk
from trading_assets.defs.assets.promotion import promotion_decision, release
from trading_assets.defs.books import play_money_books, require_play_money, traded_book
from trading_assets.defs.jobs import live_trading
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import Settings, load_settings

REAL = {"TA_BOOKS__REAL__VENUE": "binance", "TA_BOOKS__REAL__ACCOUNT": "real"}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def settings(home: Path, **variables: str) -> Settings:
    return load_settings({"TA_HOME": str(home), **variables}).settings


class DeskWith(DeskResource):
    """A desk with the real book beside the play-money ones."""

    home: str
    paper_venue: str = "embedded"

    def open(self) -> Any:
        changed = REAL | {"TA_BOOKS__PAPER__VENUE": self.paper_venue}
        return desk(settings(Path(self.home), **changed))


def message_of(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    return failure.step_failure_data.error.to_string()


def test_real_books_are_not_among_those_of_dagster(tmp_path: Path) -> None:
    assert play_money_books(settings(tmp_path, **REAL)) == ("paper", "demo")


def test_the_demo_trades_the_paper_books_release(tmp_path: Path) -> None:
    assert traded_book(settings(tmp_path), "demo") == "paper"
    assert traded_book(settings(tmp_path), "paper") == "paper"


@pytest.mark.parametrize(("book", "found"), [("real", "venue binance"), ("none", "no such book")])
def test_a_real_or_unknown_book_is_refused_with_the_next_step(
    tmp_path: Path, book: str, found: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_play_money(settings(tmp_path, **REAL), book)
    assert caught.value.found == found
    assert "by a person" in caught.value.fix


def test_the_live_job_refuses_a_real_book(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    result = live_trading.execute_in_process(
        run_config={"ops": {"trade": {"config": {"book": "real"}}}, **QUIET},
        instance=instance,
        resources={"desk": DeskWith(home=str(tmp_path))},
        raise_on_error=False,
    )
    assert not result.success
    assert "Dagster cannot trade or publish to book real" in message_of(result)


def test_a_release_is_not_published_to_a_book_that_became_real(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    result = dg.materialize(
        [promotion_decision, release],
        selection=[release],
        instance=instance,
        resources={
            "desk": DeskWith(home=str(tmp_path), paper_venue="binance"),
            "duckdb": dg.ResourceDefinition.none_resource(),
        },
        run_config=QUIET,
        raise_on_error=False,
    )
    assert not result.success
    assert "Dagster cannot trade or publish to book paper" in message_of(result)
