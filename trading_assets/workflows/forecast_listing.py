"""Forecasts for people and programs outside, the newest first: published, of now, and received."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from heapq import merge
from typing import TYPE_CHECKING, Any

from trading_assets.domain.errors import UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.instants import FOREVER, iso_text
from trading_assets.forecasting.horizons import BASE, horizon_micros
from trading_assets.storage.received_forecasts import Name, ReceivedForecasts
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.error_band import Band, error_bands
from trading_assets.workflows.paging import Key, Page, cursor_key, page_of

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.forecasting.bundle import ModelBundle
    from trading_assets.storage.model_store import ModelStore

PUBLISHED, NOW, RECEIVED = "published", "now", "received"
_TABLES = {PUBLISHED: "forecasts", NOW: "forecasts_now"}
_COMMON = (
    "ts", "symbol", "horizon", "prediction", "confidence", "forecast_id", "model_version",
    "model_id",
)  # fmt: skip
_MODELS_KEPT = 500

_Row = tuple[Key, Mapping[str, Any]]


def received_forecasts(desk: Desk) -> ReceivedForecasts:
    """Open the forecasts that came from outside."""
    return ReceivedForecasts(desk.settings.data_root / "received")


def chosen_symbols(desk: Desk, asset: str) -> tuple[Symbol, ...]:
    """Give one symbol of the settings, or all of them for "".

    Raises:
        UnknownSymbol: if settings do not have it.
    """
    if asset and asset not in desk.settings.symbols:
        raise UnknownSymbol(
            f"Symbol {asset!r:.40} is not configured",
            expected=f"one of {', '.join(desk.settings.symbols)}",
            found=asset[:40],
        )
    return (Symbol(asset),) if asset else desk.settings.symbols


def list_forecasts(
    desk: Desk,
    *,
    asset: str = "",
    horizon: str = "",
    since: Micros = -FOREVER,
    until: Micros = FOREVER,
    limit: int,
    cursor: str | None = None,
) -> Page[dict[str, Any]]:
    """List forecasts, the newest first, then by asset and horizon.

    Each has the fields of `forecasting.payload` (those that only our models have are None for one
    of outside), `purpose`, and: `source`, which is `published` (the table that backtests read),
    `now` (of `forecast_now`, left out once the same one is published) or `received`; `band`, the
    prediction with four of five past errors added, see `error_band`, None where too few were known
    and for `received`; for those also `received` (instant) and `sender`.

    Args:
        desk: holds tables, models and what was received.
        asset: symbol; "" for all of the settings.
        horizon: such as `1h`; "" for all.
        since: first `timestamp`.
        until: end of the span, exclusive.
        limit: rows at most.
        cursor: `next` of the page before.

    Raises:
        UnknownSymbol: if settings do not have the asset.
        ConfigurationError: if there is no such horizon.
        DataError: if the cursor is none of this list.
        MissingPartition: if a model is gone.
        CorruptFile: if a file is damaged.
    """
    if horizon:
        horizon_micros(horizon)
    symbols = chosen_symbols(desk, asset)
    after = cursor_key(cursor, (0, "", "", "", ""))
    ours = _ours(desk, symbols, horizon, since, until, limit, after)
    theirs = _theirs(desk, symbols, horizon, since, until, limit, after)
    rows = (
        row for row in merge(ours, theirs, key=lambda r: r[0]) if after is None or row[0] > after
    )
    page = page_of(rows, lambda row: row[0], limit)
    told = _payloads(desk, page.items)
    return Page(tuple(told[key] for key, _ in page.items), page.next)


def _key(ts: Micros, asset: str, horizon: str, model_version: str, source: str) -> Key:
    return (-ts, asset, horizon, model_version, source)


def _ours(
    desk: Desk,
    symbols: Sequence[Symbol],
    horizon: str,
    since: Micros,
    until: Micros,
    limit: int,
    after: Key | None,
) -> Iterator[_Row]:
    """Give the rows of both tables in order, month by month, no more of each than a page needs."""
    last = until if after is None else min(until, -int(after[0]) + 1)
    months = {
        month
        for table in _TABLES.values()
        for symbol in symbols
        for month in desk.tables.months(table, symbol)
    }
    for month in sorted(months, reverse=True):
        if month.start + BASE.micros < last and month.end + BASE.micros > since:
            frame = _of_month(desk, symbols, month, horizon, since, last)
            ties = 0 if after is None else int((frame["at"] == -int(after[0])).sum())
            for row in frame.head(limit + 1 + ties).iter_rows(named=True):
                yield _key(*(row[name] for name in _SORTED)), row


_SORTED = ("at", "symbol", "horizon", "model_version", "source")


def _of_month(
    desk: Desk, symbols: Sequence[Symbol], month: Month, horizon: str, since: Micros, last: Micros
) -> pl.DataFrame:
    import polars as pl

    from trading_assets.forecasting.forecaster import FORECAST_SCHEMA

    frames: dict[str, list[pl.DataFrame]] = {source: [] for source in _TABLES}
    at = pl.col("ts").dt.epoch("us") + BASE.micros
    for source, table in _TABLES.items():
        for symbol in symbols:
            manifest = desk.tables.current(table, symbol, month)
            if manifest is not None:
                frame = desk.tables.read_mapped(manifest).select(_COMMON).with_columns(at=at)
                wanted = (pl.col("at") >= since) & (pl.col("at") < last)
                if horizon:
                    wanted &= pl.col("horizon") == horizon
                frames[source].append(frame.filter(wanted))
    empty = FORECAST_SCHEMA.to_frame().select(_COMMON).with_columns(at=at)
    published, now = (pl.concat([empty, *frames[source]]) for source in (PUBLISHED, NOW))
    now = now.join(published.select("forecast_id"), on="forecast_id", how="anti")
    both = [published.with_columns(source=pl.lit(PUBLISHED)), now.with_columns(source=pl.lit(NOW))]
    return pl.concat(both).sort(_SORTED, descending=[True, False, False, False, False])


def _theirs(
    desk: Desk,
    symbols: Sequence[Symbol],
    horizon: str,
    since: Micros,
    until: Micros,
    limit: int,
    after: Key | None,
) -> Iterator[_Row]:
    place: Name | None = None
    if after is not None:
        place = (-int(after[0]), str(after[1]), str(after[2]), str(after[3]))
    store = received_forecasts(desk)
    for row in store.newest(symbols, horizon, since, until, count=limit + 2, after=place):
        said = row["said"]
        key = _key(row["ts"], said["asset"], said["horizon"], said["model_version"], RECEIVED)
        yield key, {**row, "source": RECEIVED}


def _payloads(desk: Desk, rows: Sequence[_Row]) -> dict[Key, dict[str, Any]]:
    """Give the documents of a page; those of one model are written together."""
    found = {key: received_payload(row) for key, row in rows if row["source"] == RECEIVED}
    by_model: dict[str, list[_Row]] = {}
    for key, row in rows:
        if row["source"] != RECEIVED:
            by_model.setdefault(row["model_id"], []).append((key, row))
    bands = cache(partial(error_bands, desk))
    for model_id, of_model in by_model.items():
        found |= _of_model(desk, model_id, of_model, bands)
    return found


def _of_model(
    desk: Desk,
    model_id: str,
    rows: Sequence[_Row],
    bands: Callable[[Symbol, Month], Mapping[str, Band]],
) -> Iterator[tuple[Key, dict[str, Any]]]:
    import polars as pl

    from trading_assets.forecasting.forecaster import FORECAST_SCHEMA
    from trading_assets.forecasting.payload import forecast_payloads

    plain = [{name: row[name] for name in FORECAST_SCHEMA} for _, row in rows]
    frame = pl.DataFrame(plain, schema=FORECAST_SCHEMA)
    documents = forecast_payloads(frame, _bundle(desk.models, model_id))
    for (key, row), document in zip(rows, documents, strict=True):
        band = bands(row["symbol"], Month.of(row["at"] - BASE.micros)).get(row["horizon"])
        said = row["prediction"]
        yield (
            key,
            {
                **document,
                "purpose": "research",
                "source": row["source"],
                "band": None if band is None else [said + band[0], said + band[1]],
                "received": None,
                "sender": None,
            },
        )


def received_payload(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give one of outside in the words of our own."""
    return {
        **row["said"],
        "timestamp": iso_text(row["ts"]),
        "model_id": None,
        "features_hash": None,
        "dataset_hash": None,
        "purpose": "research",
        "source": RECEIVED,
        "band": None,
        "received": iso_text(row["received"]),
        "sender": row["sender"],
    }


@lru_cache(maxsize=_MODELS_KEPT)
def _bundle(models: ModelStore, model_id: str) -> ModelBundle:
    """Read what a model says of itself, which never changes."""
    return models.bundle(models.get(model_id))
