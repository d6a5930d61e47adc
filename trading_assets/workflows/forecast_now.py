"""Forecast the newest bar of every symbol, for people: research that no live book reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from trading_assets.domain.bar import Timeframe, minute_text
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash
from trading_assets.features.anchor import anchor
from trading_assets.features.regime import BAR, WARM_UP, regimes_of
from trading_assets.forecasting.forecaster import Forecaster
from trading_assets.forecasting.payload import forecast_table
from trading_assets.forecasting.trainer import code_version
from trading_assets.market.bar_frame import instant, row_content_hash, schema_of
from trading_assets.market.history import HistorySource
from trading_assets.market.resample import resample
from trading_assets.market.table_columns import RISK_LOG_COLUMNS, TEXT
from trading_assets.storage.journal_reader import FILE
from trading_assets.storage.model_store import StoredModel
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.build_regimes import freeze_regimes
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set
from trading_assets.workflows.forecast_month import check_features
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.fresh_bars import fresh_bars
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import is_traded_in
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.measure_calibration import (
    CALIBRATION,
    least_error,
    measure_calibration,
)
from trading_assets.workflows.risk_factor import HISTORY, judged_bars, risk_payload

FORECASTS_NOW = "forecasts_now"
RISK_UPDATES = "risk_updates"
PURPOSE = "research"

_Loaded = dict[str, tuple[StoredModel, Forecaster]]
_BAR = Timeframe.M5
_RISK_SCHEMA = schema_of({**RISK_LOG_COLUMNS, "book": TEXT, "purpose": TEXT})


@dataclass(frozen=True, slots=True)
class ForecastsNow:
    """What is expected at this moment.

    Attributes:
        forecasts: a JSON document per symbol and horizon, of the newest finished bar.
        risk: a JSON document per symbol, and per symbol and book that has traded.
        changed: how many rows of both tables are new.
        skipped: symbols without a forecast, and why.
    """

    forecasts: tuple[Mapping[str, Any], ...]
    risk: tuple[Mapping[str, Any], ...]
    changed: int
    skipped: Mapping[Symbol, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Hash of all documents."""
        return content_hash([list(self.forecasts), list(self.risk)])


def forecast_now(desk: Desk, *, at: Micros | None = None) -> ForecastsNow:
    """Forecast the newest finished bar of each symbol, and judge its risk factor.

    What is published is read, what is newer is fetched, features are computed on the month's
    anchored frame, and the current models of the bar's month predict. The rows go to
    `forecasts_now` and `risk_updates`, one partition per month and symbol: rows are only ever
    added, one per bar and horizon (per change of the factor), and repeating it adds none. Where
    the month's parameters of regimes, or the calibration known before it, do not stand yet they
    are made, as `regimes` and `forecast_calibration` would.

    Args:
        desk: where to read from and to publish.
        at: as if it were this instant; None: the source's own present.

    Raises:
        MissingPartition: if a model of the month is not there.
        DataError: if the models learned from features of other code, or the rows already reach
            beyond `at`.
        CorruptFile: if a file is damaged.
        VenueError: if a source cannot be reached.
    """
    forecasts: list[Mapping[str, Any]] = []
    risk: list[Mapping[str, Any]] = []
    skipped: dict[Symbol, str] = {}
    changed = 0
    models = _Models(desk)
    drawdowns = _drawdowns(desk)
    with desk.history() as sources:
        for symbol in desk.settings.symbols:
            source = sources.of(symbol)
            now = source.now() if at is None else min(at, source.now())
            bar = now // _BAR.micros * _BAR.micros - _BAR.micros
            reason = _not_forecast(desk, symbol, Month.of(bar))
            if reason:
                skipped[symbol] = reason
                continue
            loaded = models.of(Month.of(bar))
            bars = _bars(desk, source, symbol, bar, now)
            if not bars.height or int(bars["ts"].to_physical()[-1]) != bar:
                skipped[symbol] = f"no bar of {minute_text(bar)} yet"
                continue
            made = _predicted(desk, symbol, bars, loaded)
            calibration = _calibration(desk, symbol, Month.of(bar))
            told = _judged(desk, symbol, bars, made, calibration, drawdowns)
            changed += _keep_forecasts(desk, symbol, made, loaded)
            changed += _keep_risk(desk, symbol, told, calibration)
            forecasts += [forecast_document(row) for row in made.iter_rows(named=True)]
            risk += [risk_payload(row, book) for book, row in told.items()]
    return ForecastsNow(tuple(forecasts), tuple(risk), changed, skipped)


class _Models:
    """The models of a month, loaded once for all symbols."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loaded: dict[Month, _Loaded] = {}

    def of(self, month: Month) -> _Loaded:
        if month not in self._loaded:
            found: _Loaded = {}
            for horizon in self._desk.settings.model.horizons:
                stored = self._desk.models.require(month, horizon)
                found[horizon] = (stored, self._desk.models.load(stored))
            chosen = model_set(self._desk.settings)
            for _, forecaster in found.values():
                check_features(forecaster, chosen.code_version, "features now")
            self._loaded[month] = found
        return self._loaded[month]


def _not_forecast(desk: Desk, symbol: Symbol, month: Month) -> str:
    if not is_traded_in(desk.settings, symbol, month):
        return f"not traded in {month}"
    size = traits_of_symbol(desk.settings, symbol).timeframe
    return f"its source gives {size.value}" if size.micros > _BAR.micros else ""


def _bars(
    desk: Desk, source: HistorySource, symbol: Symbol, bar: Micros, now: Micros
) -> pl.DataFrame:
    month = Month.of(bar)
    start = min(anchor(month, model_set(desk.settings).warm_up), anchor(month, HISTORY))
    return fresh_bars(desk, source, symbol, max(start, desk.settings.first_month.start), now)


def _predicted(
    desk: Desk,
    symbol: Symbol,
    bars: pl.DataFrame,
    models: _Loaded,
) -> pl.DataFrame:
    """Give the rows of FORECASTS_NOW of the last bar."""
    month = Month.of(int(bars["ts"].to_physical()[-1]))
    chosen = model_set(desk.settings)
    frame = bars.filter(pl.col("ts") >= instant(anchor(month, chosen.warm_up)))
    features = chosen.compute(frame, sessions=sessions_of_symbol(desk, symbol)).tail(1)
    parts = []
    for _, forecaster in models.values():
        rows = forecaster.predict(features)
        told = forecast_table(rows, forecaster.bundle)
        parts.append(pl.concat([rows.select("ts", "symbol"), told], how="horizontal"))
    return pl.concat(parts).with_columns(
        bars_hash=pl.lit(row_content_hash(frame)), purpose=pl.lit(PURPOSE)
    )


def _judged(
    desk: Desk,
    symbol: Symbol,
    bars: pl.DataFrame,
    forecasts: pl.DataFrame,
    calibration: Manifest,
    drawdowns: Mapping[str, float | None],
) -> dict[str, dict[str, Any]]:
    """Judge the last bar of a symbol for each book, by the book's drawdown."""
    end = int(bars["ts"].to_physical()[-1]) + _BAR.micros
    month = Month.of(end - _BAR.micros)
    frozen = freeze_regimes(desk, symbol, month)
    hours = resample(bars, BAR, now=end, sessions=sessions_of_symbol(desk, symbol))
    hours = hours.filter(pl.col("ts") >= instant(anchor(month, WARM_UP)))
    judged = partial(
        judged_bars,
        desk.settings,
        bars.filter(pl.col("ts") >= instant(anchor(month, HISTORY))),
        forecasts,
        regimes_of(hours, frozen.parameters),
        least_error(desk, calibration),
    )
    return {book: judged(drawdown).row(-1, named=True) for book, drawdown in drawdowns.items()}


def _calibration(desk: Desk, symbol: Symbol, month: Month) -> Manifest:
    """Give the calibration that was known before the month, measured where it does not stand."""
    measure_calibration(desk, symbol, month)
    return desk.tables.require(CALIBRATION, symbol, month)


def _drawdowns(desk: Desk) -> dict[str, float | None]:
    """Give the drawdown of each book that has traded, by name; "" is no book."""
    found: dict[str, float | None] = {"": None}
    for name in sorted(desk.settings.books):
        place = live_book(desk.settings, name)
        if (place.folder / FILE).is_file():
            with place.journal() as journal:
                marked: Any = journal.latest("EquityMarked")
            if marked is not None:
                found[name] = marked.drawdown
    return found


def _keep_forecasts(
    desk: Desk,
    symbol: Symbol,
    made: pl.DataFrame,
    models: _Loaded,
) -> int:
    parents = {stored.address: stored.model_id for stored, _ in models.values()}
    return _add(desk, FORECASTS_NOW, symbol, made, ("ts", "horizon"), parents)


def _keep_risk(
    desk: Desk, symbol: Symbol, told: Mapping[str, Mapping[str, Any]], calibration: Manifest
) -> int:
    """Add the factor of each book, where it is another than the last one."""
    added = 0
    parents = {calibration.address: calibration.version}
    for book, row in told.items():
        month = Month.of(round(row["ts"].timestamp()) * 1_000_000)
        manifest = desk.tables.current(RISK_UPDATES, symbol, month)
        if manifest is not None:
            kept = desk.tables.read_manifest(manifest).filter(pl.col("book") == book)
            if kept.height and kept.row(-1, named=True)["ts"] >= row["ts"]:
                continue
            said = kept.row(-1, named=True) if kept.height else {}
            if all(said.get(name) == row[name] for name in ("risk_factor", "reasons")):
                continue
        values = {**row, "book": book, "payload": json.dumps(risk_payload(row, book))}
        frame = pl.DataFrame([{**values, "purpose": PURPOSE}], schema=_RISK_SCHEMA)
        added += _add(desk, RISK_UPDATES, symbol, frame, ("ts", "book"), parents)
    return added


def _add(
    desk: Desk,
    table: str,
    symbol: Symbol,
    rows: pl.DataFrame,
    key: Sequence[str],
    parents: Mapping[str, str],
) -> int:
    """Add rows to a partition, but those whose key is there; what is there never changes.

    Raises:
        DataError: if a row is older than the last one: it would have to stand before it.
    """
    if not rows.height:
        return 0
    month = Month.of(int(rows["ts"].to_physical()[0]))
    before = desk.tables.current(table, symbol, month)
    new, known = rows, rows.head(0)
    if before is not None:
        known = desk.tables.read_manifest(before)
        new = rows.join(known.select(key), on=list(key), how="anti", maintain_order="left")
        if not new.height:
            return 0
        if new["ts"].to_physical()[0] < known["ts"].to_physical()[-1]:
            raise DataError(
                f"{table} of {symbol} already reaches beyond that bar",
                expected=f"a bar from {known['ts'][-1]} on",
                found=str(new["ts"][0]),
                fix="Rows are only ever added at the end; ask for a later instant.",
            )
    desk.tables.publish(
        table,
        symbol,
        month,
        pl.concat([known, new]),
        code_version=code_version(),
        parents={**(before.parents if before is not None else {}), **parents},
        extra={"source": desk.settings.source_of(symbol), "purpose": PURPOSE},
    )
    return new.height


def forecast_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row of FORECASTS_NOW as the JSON document that readers outside expect."""
    left_out = ("ts", "symbol")
    told = {name: value for name, value in row.items() if name not in left_out}
    return {**told, "timestamp": f"{row['timestamp']:%Y-%m-%dT%H:%M:%SZ}"}
