"""The strategy specs of this desk: shipped ones and the user's, on the symbols of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import Settings
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec, load_any
from trading_assets.strategies.spec import SHIPPED_SPECS, StrategySpec, load_specs
from trading_assets.strategies.spec_yaml import is_portfolio, yaml_of
from trading_assets.workflows.declared_names import declared_as


def own_folders(settings: Settings) -> list[Path]:
    """Give the folders in which the user's own specs lie."""
    beside = settings.strategies_dir
    chosen = [settings.specs_dir] if settings.specs_dir else []
    return [*chosen, *([beside] if beside.is_dir() and beside not in chosen else [])]


def list_specs(settings: Settings) -> Mapping[str, StrategySpec]:
    """Give every spec that this desk can run, by name.

    A shipped spec whose symbols are not all in settings is left out (it is an example); one of the
    user's is an error.

    Raises:
        ConfigurationError: if a file is wrong, a name is taken twice, or a spec of the user's asks
            for a symbol that settings do not have.
    """
    folders = [SHIPPED_SPECS, *own_folders(settings)]
    specs = load_specs(folders, symbols=settings.symbols)
    own = load_specs(folders[1:], symbols=settings.symbols)
    chosen: dict[str, StrategySpec] = {}
    for name, spec in specs.items():
        missing = [symbol for symbol in spec.symbols if symbol not in settings.symbols]
        if not missing:
            chosen[name] = spec
        elif name in own:
            raise ConfigurationError(
                f"Spec {name} trades a symbol that is not configured",
                expected=f"one of {', '.join(settings.symbols)}",
                found=", ".join(missing),
                fix="Add it to `symbols` in the settings, or take it out of the spec.",
            )
    return chosen


def sizes_traded(settings: Settings) -> frozenset[Timeframe]:
    """Give the sizes of the bars that specs and portfolios of this desk trade.

    Raises:
        ConfigurationError: as `list_specs` and `list_portfolios`.
    """
    found: tuple[AnySpec, ...] = (
        *list_specs(settings).values(),
        *list_portfolios(settings).values(),
    )
    return frozenset(spec.timeframe for spec in found)


def find_spec(settings: Settings, name: str) -> StrategySpec:
    """Give one strategy spec of this desk.

    Raises:
        ConfigurationError: if there is none of that name, or it is a portfolio, which can be
            backtested and not yet traded.
    """
    specs = list_specs(settings)
    if name not in specs and name in list_portfolios(settings):
        raise ConfigurationError(
            f"{name} is a portfolio",
            expected="a strategy spec: decisions, releases and live books take one strategy each",
            found="a portfolio, which can be backtested only",
            fix="Decide on its members, or backtest it.",
        )
    return _named(specs, name)


def _named(specs: Mapping[str, StrategySpec], name: str) -> StrategySpec:
    fix = "`trading-assets backtest specs` lists them with their files."
    return declared_as(name, specs, "spec", fix=fix)


def list_portfolios(settings: Settings) -> Mapping[str, PortfolioSpec]:
    """Give every portfolio in the folders of this desk, by name.

    Raises:
        ConfigurationError: if a file is wrong, a name is taken, or a member is none of the desk.
    """
    found: dict[str, PortfolioSpec] = {}
    specs: Mapping[str, StrategySpec] | None = None
    for folder in (SHIPPED_SPECS, *own_folders(settings)):
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            if not is_portfolio(yaml_of(path)):
                continue
            specs = list_specs(settings) if specs is None else specs
            spec = load_any(path, find=partial(_named, specs), symbols=settings.symbols)
            if spec.name in specs or spec.name in found or not isinstance(spec, PortfolioSpec):
                raise ConfigurationError(
                    f"{path}: name is taken",
                    expected="a name that no other spec has",
                    found=spec.name,
                    fix="Rename one of them.",
                )
            found[spec.name] = spec
    return found


def find_any(settings: Settings, name: str) -> AnySpec:
    """Give one spec of this desk, of a strategy or of a portfolio.

    Raises:
        ConfigurationError: if there is none of that name.
    """
    portfolios = list_portfolios(settings)
    return portfolios[name] if name in portfolios else find_spec(settings, name)
