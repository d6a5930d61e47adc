"""What a release is made of, ready to work: its engine, its session, its signals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from trading_assets.domain.errors import ConfigurationError, CorruptFile
from trading_assets.domain.ids import Symbol, sha256_hex
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import AnySetup, SizingMode
from trading_assets.features.regime import RegimeParameters
from trading_assets.forecasting.horizons import BASE
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.hand_over import MachineFactory, Terms, TermsOf
from trading_assets.live.live_regimes import LiveRegimes
from trading_assets.live.signal_desk import PinnedModel, SharedDesk, SignalDesk
from trading_assets.live.strategy_stance import StrategySize
from trading_assets.market.sessions import Sessions
from trading_assets.settings import Settings, load_settings
from trading_assets.storage.release_store import Release, ReleaseStore
from trading_assets.strategies.evaluate import strategy_columns
from trading_assets.strategies.filter_sections import PINNED
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.live_book import LiveBook, live_book

SUPPORTED = frozenset({OrderType.MARKET, OrderType.LIMIT})
"""Order types that a live book can send; stops and brackets need order lists at the venue."""

_SNAPSHOT_BARS, _HOUR = 100, 3_600_000_000
"""A snapshot is saved after so many bars, and at least every hour of market time."""


def session_setup(book: LiveBook, release: Release) -> SessionSetup:
    """Give what a session must know of its book and release."""
    parts = release.spec.parts
    shared = isinstance(release.spec, PortfolioSpec)
    return SessionSetup(
        book=book.name,
        account=book.settings.account,
        tag=release.spec.name,
        release_id=release.release_id,
        instruments=release.instruments,
        signal_columns=max(len(strategy_columns(part.build_strategy())) for part in parts),
        members=tuple((part.name, part.symbols) for part in parts) if shared else (),
        order_types=SUPPORTED,
        snapshot_bars=max(1, min(_SNAPSHOT_BARS, _HOUR // release.spec.timeframe.micros)),
        sizes=_sizes(release.spec),
    )


def _sizes(spec: AnySpec) -> tuple[StrategySize, ...]:
    """Give what a spec gives each of its strategies, in their order."""
    if not isinstance(spec, PortfolioSpec):
        return (StrategySize(risk_bps=_risk_bps(spec)),)
    return tuple(StrategySize(m.allocation_pct, _risk_bps(m.spec)) for m in spec.members)


def _risk_bps(spec: StrategySpec) -> Decimal | None:
    by_risk = spec.sizing.mode in {SizingMode.RISK.value, SizingMode.ATR.value}
    return spec.sizing.risk_pct * 100 if by_risk else None


def release_terms(book: LiveBook, release: Release) -> Terms:
    """Give what a release makes of a book."""
    return Terms(session_setup(book, release), machine_factory(release))


def parts_of(
    settings: Settings, book: str, release: Release
) -> tuple[Terms, SignalDesk | SharedDesk]:
    """Give what a release makes of a book of the settings, and the desk of its signals.

    Its symbols are of markets that never close.
    """
    return release_terms(live_book(settings, book), release), signal_desk(release, {})


def terms_of(releases: ReleaseStore, book: LiveBook) -> TermsOf:
    """Give what leads from the id of a release to its terms, every byte proven."""

    def find(release_id: str) -> Terms:
        return release_terms(book, releases.get(release_id))

    return find


def machine_factory(release: Release) -> MachineFactory:
    """Give the engine of a release, new or restored from bytes."""
    from trading_assets.engine.fixed import Fixed
    from trading_assets.engine.machine import Machine

    setup = _engine_setup(release)
    fixed = Fixed.of(setup)
    return MachineFactory(
        lambda: Machine(setup, fixed), lambda blob: Machine.restore(setup, blob, fixed)
    )


def warm_engine(release: Release) -> None:
    """Make the engine of a release ready, so that no live bar waits for it."""
    from trading_assets.engine.warm_up import warm_up

    _engine_setup(release)  # refuses what no live book can trade
    for part in release.spec.parts:
        warm_up(part.engine_setup(release.instruments))


def signal_desk(release: Release, sessions: Mapping[Symbol, Sessions]) -> SignalDesk | SharedDesk:
    """Give the desk that computes a release's signals, with what it pins.

    Args:
        release: holds models and parameters of regimes.
        sessions: of its symbols whose markets close.

    Raises:
        ConfigurationError: if the strategy needs a forecast or regimes that the release does not
            pin, or the model was trained on features that this version computes otherwise; or if
            it follows forecasts on bars of another size than theirs, or regimes on bars of more
            than an hour.
        CorruptFile: if a file of what is pinned is damaged.
    """
    unseen = [need for need in release.spec.needs if need not in PINNED]
    if unseen:
        raise ConfigurationError(
            f"Release {release.release_id} filters by what a live book cannot see yet",
            expected="filters that look at the symbol's own bars",
            found=", ".join(unseen),
            fix="Leave these filters out, or keep the spec to backtests.",
        )
    if not isinstance(release.spec, PortfolioSpec):
        return _desk_of(release, release.spec, sessions)
    parts = release.spec.parts
    desks = (_desk_of(release, part, sessions, part.name) for part in parts)
    return SharedDesk([(part.symbols, desk) for part, desk in zip(parts, desks, strict=True)])


def signal_desk_of(release: Release, tag: str, sessions: Mapping[Symbol, Sessions]) -> SignalDesk:
    """Give the desk of one strategy of a release, by the tag of its orders.

    Raises:
        ConfigurationError, CorruptFile: as `signal_desk`, or if it has no such strategy.
    """
    if not isinstance(release.spec, PortfolioSpec):
        return _desk_of(release, release.spec, sessions)
    return _desk_of(release, strategy_of(release, tag), sessions, tag)


def strategy_of(release: Release, tag: str) -> StrategySpec:
    """Give the strategy of a release whose orders bear a tag.

    Raises:
        ConfigurationError: if it has none.
    """
    found = next((part for part in release.spec.parts if part.name == tag), None)
    if found is None:
        raise ConfigurationError(
            f"Release {release.release_id} has no strategy {tag}",
            expected=", ".join(part.name for part in release.spec.parts),
            found=tag,
        )
    return found


def _desk_of(
    release: Release, spec: StrategySpec, sessions: Mapping[Symbol, Sessions], tag: str = ""
) -> SignalDesk:
    strategy = spec.build_strategy()
    regimes = _regimes_of(release, spec, sessions)
    if strategy.horizon is None:
        return SignalDesk(strategy, regimes=regimes, tag=tag)
    if spec.timeframe is not BASE:
        raise ConfigurationError(
            f"Release {release.release_id} follows forecasts on bars of {spec.bar_size}",
            expected=f"bar_size: {BASE.value}, which models predict on",
            found=f"bar_size: {spec.bar_size}",
            fix="Promote a spec of that size.",
        )
    return SignalDesk(strategy, _pinned(release, strategy.horizon), regimes=regimes, tag=tag)


def _regimes_of(
    release: Release, spec: StrategySpec, sessions: Mapping[Symbol, Sessions]
) -> LiveRegimes | None:
    """Give what filters the hours of a strategy's symbols; None where it asks for no regimes."""
    if spec.filters.regime is None:
        return None
    found = {symbol: _pinned_regimes(release, symbol) for symbol in spec.symbols}
    return LiveRegimes(found, spec.timeframe, sessions)


def _pinned_regimes(release: Release, symbol: Symbol) -> RegimeParameters:
    facts = release.regimes.get(symbol)
    if facts is None:
        raise ConfigurationError(
            f"Release {release.release_id} pins no regimes of {symbol}",
            expected=f"parameters of {', '.join(release.spec.symbols)}",
            found=", ".join(release.regimes) or "none",
            fix="Materialise `regimes`, then decide and publish again.",
        )
    payload = release.file(facts["document"])
    if sha256_hex(payload) != facts["sha256"]:
        raise CorruptFile(
            f"{release.folder}/{facts['document']} is not what the release pins",
            expected=f"sha256 {facts['sha256']}",
            found=f"sha256 {sha256_hex(payload)}",
            fix="Restore it from a copy, or publish the decision again.",
        )
    return RegimeParameters.from_plain(json.loads(payload))


def _pinned(release: Release, horizon: str) -> PinnedModel:
    from trading_assets.forecasting.forecaster import Forecaster
    from trading_assets.workflows.feature_sets import list_sets, set_of_code

    facts = release.models.get(horizon)
    if facts is None:
        raise ConfigurationError(
            f"Release {release.release_id} pins no model for {horizon}",
            expected=f"a model for {horizon}, which strategy {release.spec.name} follows",
            found=", ".join(release.models) or "no model",
            fix="Train the model, then decide and publish again.",
        )
    settings = load_settings().settings
    features = set_of_code(settings, facts["features_code_version"])
    if features is None:
        present = [f"{s.name} {s.code_version[:16]}" for s in list_sets(settings).values()]
        raise ConfigurationError(
            f"Release {release.release_id} pins a model of other features",
            expected=f"one of the feature sets {', '.join(present)}",
            found=str(facts["features_code_version"])[:16],
            fix="Train on the present features and promote again, or start the version that made "
            "the release.",
        )
    booster = release.file(facts["booster"]).decode()
    forecaster = Forecaster.from_model_text(release.file(facts["document"]), booster)
    return PinnedModel(forecaster, features)


def _engine_setup(release: Release) -> AnySetup:
    """Give the engine's setup, unless it plays a part that is the venue's.

    Raises:
        ConfigurationError: if the release has a margin that this engine would have to call.
    """
    setup = release.spec.engine_setup(release.instruments)
    if setup.account.leverage or setup.account.maintenance_pct:
        raise ConfigurationError(
            f"Release {release.release_id} trades with leverage",
            expected="a spec without margin",
            found=f"leverage {setup.account.leverage}",
            fix="Keep the spec to backtests: venues of live books are spot venues, and a margin "
            "call is the venue's own.",
        )
    return setup
