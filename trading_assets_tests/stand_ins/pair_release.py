"""A book whose published release trades two strategies, and whose journal a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trading_assets.bootstrap import desk
from trading_assets.settings import load_settings
from trading_assets.storage.release_store import Release
from trading_assets.strategies.portfolio_spec import parse_any
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets_tests.stand_ins.published_release import published_release
from trading_assets_tests.stand_ins.written_book import WrittenBook, written_book

PAIR = """
name: pair
cash: 1000
members:
  - spec:
      name: fast
      strategy: inside_bar
      symbols: [BTCUSDT]
      sizing: {mode: risk, risk_pct: 1}
    allocation_pct: 60
  - spec:
      name: slow
      strategy: ema_trend
      symbols: [BTCUSDT]
      sizing: {mode: fixed, qty: 0.01}
    allocation_pct: 40
"""


def published_pair(book: str = "paper") -> tuple[Desk, Release]:
    """Publish a release of `fast` (60 %, 100 bps a trade) and `slow` (40 %, no risk per trade)."""
    opened = desk(load_settings().settings)
    spec = parse_any(PAIR, where="pair.yaml", find=_nothing)
    return opened, published_release(opened, spec, book)


@contextmanager
def book_of_pair(book: str = "paper") -> Iterator[WrittenBook]:
    """Open the journal of a book that trades the pair."""
    opened, release = published_pair(book)
    with written_book(live_book(opened.settings, book), release) as written:
        yield written


def _nothing(name: str) -> None:
    raise AssertionError(name)
