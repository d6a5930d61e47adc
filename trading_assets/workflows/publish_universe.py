"""The universe of a month as a table: frozen from what was known before the month began."""

from __future__ import annotations

from dataclasses import asdict

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol, content_hash, months_between
from trading_assets.domain.instrument import Instrument
from trading_assets.market.table_columns import MEMBER
from trading_assets.market.universe import (
    SLACK,
    Candidate,
    UniverseRules,
    look_back_start,
    universe_of,
)
from trading_assets.settings import Settings
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.list_instruments import list_instruments
from trading_assets.workflows.listing import is_traded_in
from trading_assets.workflows.market_tables import (
    UNIVERSE_CODE_VERSION,
    bars_table,
    is_of_own_source,
    published_from_manifest,
)
from trading_assets.workflows.news_flags import NewsFlags, news_flags
from trading_assets.workflows.published import Published

UNIVERSE_TABLE = "universe"

_DAILY = bars_table(Timeframe.D1)


def publish_universe(desk: Desk, month: Month) -> Published:
    """Publish which symbols of the settings are members in a month, and why others are not.

    Delisted symbols stay in the settings, so that they are members of the months in which they
    traded. Months of daily bars before `month` are read, and nothing of `month` itself.

    Raises:
        DataError: if the month is before `history_start`.
        MissingPartition: if no symbol has daily bars in the look-back, although history had begun
            and one was traded.
        ConfigurationError: if the file of news flags cannot be read.
        CorruptFile: if a file is damaged.
    """
    settings = desk.settings
    if month < settings.first_month:
        raise DataError(
            f"Month {month} is before history starts",
            expected=f"{settings.first_month} or later",
            found=str(month),
            fix="Set `history_start` (TA_HISTORY_START) to an earlier month.",
        )
    rules, news = universe_rules(settings), news_flags(settings)
    instruments = list_instruments(desk)
    bars = {symbol: _bars_before(desk, symbol, month, rules) for symbol in settings.symbols}
    if _is_history_expected(settings, month, rules) and not any(bars.values()):
        raise MissingPartition(
            f"The universe of {month} has no daily bars to look at",
            expected=f"{_DAILY} of months before {month}",
            found="none",
            fix=f"Materialise {_DAILY} of {month.shift(-1)} first.",
        )
    parents = {m.address: m.version for manifests in bars.values() for m in manifests}
    parents["universe/rules"] = content_hash(_basis(rules, instruments, news))
    table = UNIVERSE_TABLE
    manifest = desk.tables.standing(
        table, None, month, code_version=UNIVERSE_CODE_VERSION, parents=parents
    )
    changed = False
    if manifest is None:
        candidates = [_candidate(desk, each, bars[each.symbol], news) for each in instruments]
        manifest, changed = desk.tables.publish(
            table,
            None,
            month,
            universe_of(month, candidates, rules),
            code_version=UNIVERSE_CODE_VERSION,
            parents=parents,
            extra={"rules": asdict(rules), "news": news.version},
        )
    members = read_universe(desk, manifest).filter(MEMBER)["symbol"].to_list()
    return published_from_manifest(desk.tables, manifest, changed=changed, members=members)


def universe_rules(settings: Settings) -> UniverseRules:
    """Give the rules of `[universe]`."""
    declared = settings.universe
    return UniverseRules(
        top_n=declared.top_n,
        look_back_days=declared.look_back_days,
        min_quote_volume=declared.min_quote_volume,
        min_roc_pct=declared.min_roc_pct,
        max_roc_pct=declared.max_roc_pct,
        exclude_news=declared.exclude_news,
    )


def read_universe(desk: Desk, manifest: Manifest) -> pl.DataFrame:
    """Give the rows of a month (UNIVERSE_SCHEMA), proven."""
    return desk.tables.read_manifest(manifest)


def _is_history_expected(settings: Settings, month: Month, rules: UniverseRules) -> bool:
    first = max(settings.first_month, Month.of(look_back_start(month, rules)))
    return any(
        is_traded_in(settings, symbol, before)
        for before in months_between(first, month.shift(-1))
        for symbol in settings.symbols
    )


def _bars_before(
    desk: Desk, symbol: Symbol, month: Month, rules: UniverseRules
) -> tuple[Manifest, ...]:
    first = Month.of(look_back_start(month, rules) - SLACK)
    found = (desk.tables.current(_DAILY, symbol, m) for m in months_between(first, month.shift(-1)))
    return tuple(m for m in found if m is not None and is_of_own_source(desk.settings, m))


def _basis(
    rules: UniverseRules, instruments: tuple[Instrument, ...], news: NewsFlags
) -> dict[str, object]:
    """Give what decides beside the bars, as plain values."""
    listing = {each.symbol: [each.listed, each.delisted] for each in instruments}
    return {"rules": asdict(rules), "listing": listing, "news": news.version}


def _candidate(
    desk: Desk, instrument: Instrument, bars: tuple[Manifest, ...], news: NewsFlags
) -> Candidate:
    columns = ("ts", "close", "volume", "quote_volume")
    frames = [desk.tables.read_manifest(manifest).select(columns) for manifest in bars]
    return Candidate(
        symbol=instrument.symbol,
        daily=pl.concat(frames) if frames else _NO_BARS,
        listed=instrument.listed,
        delisted=instrument.delisted,
        news=tuple(
            (round(flag["from"].timestamp()) * 1_000_000, round(flag["to"].timestamp()) * 1_000_000)
            for flag in news.of(instrument.symbol)
        ),
    )


_NO_BARS = pl.DataFrame(
    schema={
        "ts": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("close", "volume", "quote_volume"), pl.Float64),
    }
)
