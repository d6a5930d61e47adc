"""The front door from Python and notebooks: `Backtest(spec, bars).run()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from trading_assets.backtest.bytes_of import write_files
from trading_assets.backtest.own_bars import frames_by_symbol, symbols_of
from trading_assets.backtest.prepared import DEFAULT_MAX_HOLE, Prepared, Span, prepare
from trading_assets.backtest.result import BacktestResult, months_of
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instants import FOREVER, instant_from_any
from trading_assets.domain.instrument import Instrument
from trading_assets.evaluation.compare_report import ComparedRun, compare_page
from trading_assets.market.bar_frame import row_content_hash
from trading_assets.strategies.portfolio_spec import AnySpec as Spec
from trading_assets.strategies.portfolio_spec import PortfolioSpec, any_of, load_any, parse_any
from trading_assets.strategies.spec import SHIPPED_SPECS, StrategySpec, load_spec

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.settings import Settings

AnySpec = StrategySpec | PortfolioSpec | Mapping[str, Any] | Path | str
Instant = str | date


class Backtest:
    """A spec, of a strategy or of a portfolio, on bars of yours, or on the tables of the desk.

    With bars, nothing else is needed: no Dagster, no store, no settings. Signals are evaluated
    once over each whole frame. Without bars, the tables of the desk are read and evaluated month by
    month exactly as the graph does, with forecasts and filters, so the result is the graph's own;
    it is not stored or logged. Where there is a desk, its ledger of trials counts the run.

    Args:
        spec: a `StrategySpec` or a `PortfolioSpec`; the path of a YAML file; YAML text; its keys as
            a mapping; or the name of a spec of the desk (with bars: of a shipped one).
            `symbols: all` are those of the bars, or of the settings.
        bars: a frame with `ts` (open time, with a zone) and `open, high, low, close[, volume]`, of
            the spec's `bar_size` or a smaller one, which is resampled; for several symbols a frame
            each, or a column `symbol`. None reads the desk's tables.
        instruments: grids of the symbols; or give `tick` and `lot`.
        tick, lot: smallest steps of price and of quantity, the same for all symbols, as text.
        start, end: trade bars that open in [start, end), UTC: text, a date or a datetime. Bars
            before `start` are still there for signals to look back at.
        max_hole: holes in one's own bars above it (microseconds) split the run; the desk has a
            setting.
        settings: of the desk; by default those that the command line would use.

    Raises:
        ConfigurationError: if spec, strategy, tick, lot and instruments do not fit.
        UnknownSymbol: if a symbol has no bars.
        DataError: naming symbol and time of the first bar that is wrong.
    """

    def __init__(
        self,
        spec: AnySpec,
        bars: pl.DataFrame | Mapping[Any, pl.DataFrame] | None = None,
        instruments: Iterable[Instrument] | None = None,
        *,
        tick: Decimal | str | None = None,
        lot: Decimal | str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        max_hole: Micros = DEFAULT_MAX_HOLE,
        settings: Settings | None = None,
    ) -> None:
        self._span = _span(start, end)
        self._settings = settings
        self._max_hole = max_hole
        self.prepared: Prepared | None = None
        if bars is None:
            _refuse_grid_of_desk(instruments, tick, lot)
            self.spec = _desk_spec(spec, self._opened())
            return
        self.spec, frames = _spec_and_frames(spec, bars)
        grid = instruments or _instruments(self.spec, tick, lot)
        self.prepared = prepare(self.spec, frames, grid, span=self._span, max_hole=max_hole)

    def run(self) -> BacktestResult:
        """Evaluate the signals and run the machine over them.

        Raises:
            DataError: if the strategy's signals do not fit the bars.
            MissingPartition: if the desk has no bars inside the span.
            LedgerBroken: if the desk's ledger of trials is damaged or lost.
        """
        prepared = self.prepared
        if prepared is None:
            from trading_assets import bootstrap
            from trading_assets.workflows.run_plan import plan_any
            from trading_assets.workflows.simulate_run import simulate

            desk = bootstrap.desk(self._opened())
            plan = plan_any(desk, self.spec, span=self._span)
            return self._entered(simulate(desk, plan).result, key=plan.run_id)
        return self._entered(
            BacktestResult(
                self.spec, prepared.strategy, prepared.run(), lambda: self._facts(prepared)
            )
        )

    def _entered(self, result: BacktestResult, *, key: str | None = None) -> BacktestResult:
        """Enter the trial in the ledger of the desk, when there is one."""
        from trading_assets import bootstrap
        from trading_assets.workflows.enter_trials import enter_run
        from trading_assets.workflows.trial_ledger import has_desk

        settings = self._opened()
        if has_desk(settings):
            enter_run(settings, result, at=bootstrap.desk(settings).clock.now(), key=key)
        return result

    def _opened(self) -> Settings:
        if self._settings is None:
            from trading_assets.settings import load_settings

            self._settings = load_settings().settings
        return self._settings

    def _facts(self, prepared: Prepared) -> Mapping[str, Any]:
        """Give all that the result depends on; bars by the hash of their rows."""
        from trading_assets.storage.release_store import instrument_to_plain
        from trading_assets.workflows.code_hash import code_hash, package_versions

        return {
            "spec_hash": self.spec.spec_hash,
            "months": months_of(prepared.bars.ts),
            "span": list(self._span) if self._span else None,
            "inputs": {
                f"own_bars/{symbol}": row_content_hash(frame)
                for symbol, frame in prepared.frames.items()
            },
            "instruments": [instrument_to_plain(one) for one in prepared.setup.instruments],
            "code_hash": code_hash(prepared.strategy),
            "packages": package_versions(),
            "seed": 0,
            "max_hole_minutes": self._max_hole // MINUTE,
        }


def compare(results: Mapping[str, BacktestResult], path: Path | str) -> Path:
    """Write a page that compares runs: an overlay of their equities, metrics, what differs.

    Args:
        results: two to eight, by the names that the page gives them.
        path: of the page, one file that opens offline.

    Raises:
        DataError: if there are fewer than two, or too many.
    """
    runs = [
        ComparedRun(name, result.equity, result.performance, result.manifest)
        for name, result in results.items()
    ]
    page, written = compare_page(runs), Path(path)
    return write_files(written.parent, {written.name: page})[0]


def _span(start: Instant | None, end: Instant | None) -> Span | None:
    if start is None and end is None:
        return None
    first = -FOREVER if start is None else instant_from_any(start)
    last = FOREVER if end is None else instant_from_any(end)
    if first >= last:
        raise DataError("The span is empty", expected="start before end", found=f"{start} to {end}")
    return first, last


def _spec_and_frames(given: AnySpec, bars: Any) -> tuple[Spec, dict[Symbol, pl.DataFrame]]:
    """Read a spec whose `symbols: all` are those of the bars."""
    named = symbols_of(bars)
    spec = _spec(
        given,
        named,
        SHIPPED_SPECS,
        lambda name: load_spec(_shipped(name, SHIPPED_SPECS), symbols=named),
    )
    return spec, frames_by_symbol(bars, spec.symbols)


def _desk_spec(given: AnySpec, settings: Settings) -> Spec:
    from trading_assets.workflows.strategy_specs import find_any, find_spec

    if isinstance(given, str) and _is_name(given):
        return find_any(settings, given)
    return _spec(given, settings.symbols, None, lambda name: find_spec(settings, name))


def _spec(
    given: AnySpec,
    symbols: tuple[Symbol, ...],
    folder: Path | None,
    find: Callable[[str], StrategySpec],
) -> Spec:
    """Read what was given; `find` gives the spec of a name that a member may have."""
    if isinstance(given, StrategySpec | PortfolioSpec):
        return given
    if isinstance(given, Mapping):
        return any_of(_plain(given), where="the spec given", find=find, symbols=symbols)
    if isinstance(given, str) and "\n" in given:
        return parse_any(given, where="the spec given", find=find, symbols=symbols)
    if folder is not None and isinstance(given, str) and _is_name(given):
        return load_spec(_shipped(given, folder), symbols=symbols)
    return load_any(Path(given), find=find, symbols=symbols)


def _shipped(name: str, folder: Path) -> Path:
    known = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name not in known:
        raise ConfigurationError(
            "No such spec",
            expected=f"a YAML file, or one of {', '.join(known)}",
            found=repr(name)[:80],
        )
    return known[name]


def _is_name(text: str) -> bool:
    return text.isidentifier() and not Path(text).is_file()


def _plain(value: Any) -> Any:
    """Write decimals, tuples and specs as YAML knows them."""
    if isinstance(value, StrategySpec):
        return yaml.safe_load(value.canonical_yaml())
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def _instruments(
    spec: Spec, tick: Decimal | str | None, lot: Decimal | str | None
) -> list[Instrument]:
    if tick is None or lot is None:
        raise ConfigurationError(
            "Nothing says in which steps prices and quantities move",
            expected="tick and lot, or instruments",
            found=f"tick={tick}, lot={lot}",
            fix='For instance Backtest(spec, bars, tick="0.01", lot="0.001").',
        )
    price_step, size_step = _decimal("tick", tick), _decimal("lot", lot)
    return [
        Instrument(
            symbol, symbol.removesuffix(spec.quote) or symbol, spec.quote, price_step, size_step
        )
        for symbol in spec.symbols
    ]


def _decimal(name: str, value: Decimal | str) -> Decimal:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise ConfigurationError(
            f"{name} is no number", expected="such as 0.01", found=repr(value)[:40]
        ) from None


def _refuse_grid_of_desk(*given: object) -> None:
    if any(value is not None for value in given):
        raise ConfigurationError(
            "The desk knows its instruments",
            expected="tick, lot and instruments with bars of your own only",
            found="one of them, and no bars",
        )
