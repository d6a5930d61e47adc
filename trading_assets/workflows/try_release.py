"""Load a release once, to see whether it can be: `python -m ...try_release BOOK RELEASE`."""

from __future__ import annotations

import sys

from trading_assets.settings import load_settings


def main(book: str, release_id: str) -> None:
    """Prove its files, parse its model, make its signals and its engine; exit 1 with the reason."""
    from trading_assets.domain.errors import TradingAssetsError
    from trading_assets.storage.release_store import ReleaseStore
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.release_parts import release_terms, signal_desk

    settings = load_settings().settings
    try:
        release = ReleaseStore(settings.data_root / "releases").get(release_id)
        signal_desk(release, {})  # no bar comes that a session could cut
        release_terms(live_book(settings, book), release).machines.new()
    except TradingAssetsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(*sys.argv[1:3])
