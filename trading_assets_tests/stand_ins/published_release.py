"""A release of bitcoin in a desk's store, as a decision would have published it."""

from __future__ import annotations

from trading_assets.storage.release_store import Release, instrument_to_plain
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.desk import Desk
from trading_assets_tests.stand_ins.written_book import release_of_btc


def published_release(desk: Desk, spec: AnySpec, book: str = "paper") -> Release:
    """Publish what a book trades from now on, of a run that stands in no store."""
    facts = {
        "spec": spec.name,
        "spec_hash": spec.spec_hash,
        "run_id": "0" * 16,
        "result_hash": "0" * 64,
        "data_hash": "0" * 64,
        "inputs": {},
        "decision_id": spec.spec_hash,
        "order_types": ["MARKET"],
        "models": {},
        "instruments": [instrument_to_plain(each) for each in release_of_btc().instruments],
    }
    files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
    before = desk.releases.current_id(book)
    return desk.releases.publish(book, facts, files, after=before)[0]
