"""A strategy spec: the YAML file that says what is traded, how large, at what cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError, UnknownSymbol
from trading_assets.domain.ids import Symbol, content_hash, symbol_from_text, tag_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType, TrailBy
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FeeAsset,
    FillAt,
    FillRules,
    Limits,
    RiskFactor,
    SignalFamily,
    SizeAt,
    Sizing,
    SizingMode,
)
from trading_assets.strategies.asked import decider_of
from trading_assets.strategies.filter_sections import FiltersSpec
from trading_assets.strategies.filtered import Filtered
from trading_assets.strategies.protocol import BAR_SIZE, Strategy
from trading_assets.strategies.registry import make_strategy
from trading_assets.strategies.spec_fit import require_fit
from trading_assets.strategies.spec_sections import (
    HASHED_WHEN_SAID,
    BarSize,
    CostsSpec,
    LimitsSpec,
    MarginSpec,
    Number,
    RiskFactorSpec,
    RulesSpec,
    Section,
    SizingSpec,
    unsaid,
)
from trading_assets.strategies.spec_yaml import (
    configuration_error,
    is_portfolio,
    yaml_of,
    yaml_values,
)

SHIPPED_SPECS = Path(__file__).with_name("specs")
"""Folder of the specs that come with the package."""


class StrategySpec(Section):
    """One strategy as it is tested, promoted and traded; made by `load_spec`.

    Attributes:
        name: name of the asset `backtest/<name>`, and the tag in every order id.
        strategy: registered name, or `package.module:Class`.
        params: parameters of the strategy; those left out keep its defaults.
        symbols: instruments that share the account, in this order; in YAML a list, or the word
            `all` for those of the settings.
        bar_size: of the bars on which signals are evaluated, orders filled, and bars counted.
        cash: starting balance, in `quote`.
        filters: what has to hold before an entry; see `strategies.filters`.
        description: for people; no part of the identity.
    """

    name: str
    description: str = ""
    strategy: str
    params: dict[str, Any] = Field(default_factory=dict)
    symbols: tuple[Symbol, ...] = Field(min_length=1)
    bar_size: BarSize = "5m"
    cash: Annotated[Number, Field(gt=0)]
    quote: str = Field(default="USDT", pattern=r"^[A-Z0-9]{2,10}$")
    profile: Literal["spot_long_only", "margin"] = "spot_long_only"
    margin: MarginSpec = MarginSpec()
    sizing: SizingSpec
    costs: CostsSpec = CostsSpec()
    filters: FiltersSpec = FiltersSpec()
    limits: LimitsSpec = LimitsSpec()
    rules: RulesSpec = RulesSpec()
    risk_factor: RiskFactorSpec | None = None

    @field_validator("name")
    @classmethod
    def _name_is_valid(cls, value: str) -> str:
        return str(_expected(tag_from_text, value))

    @field_validator("symbols", mode="before")
    @classmethod
    def _symbols_are_valid(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError("a list of symbols, or `all`")  # noqa: TRY004 - pydantic reports ValueErrors
        symbols = tuple(_expected(symbol_from_text, text) for text in value)
        if len(set(symbols)) != len(symbols):
            raise ValueError("symbols, each at most once")
        return symbols

    @model_validator(mode="after")
    def _a_year_has_bars_of_this_size(self) -> Self:
        # Frozen for everybody else; the default of one section follows from a key beside it.
        object.__setattr__(self, "sizing", self.sizing.with_bars_of(self.timeframe.minutes))
        return self

    @property
    def parts(self) -> tuple[StrategySpec, ...]:
        """The strategies that share the account: this one alone; of a portfolio its members."""
        return (self,)

    @property
    def described(self) -> dict[str, Any]:
        """What a manifest says beside the keys of the file."""
        return {"params": self.all_params()}

    @property
    def needs(self) -> tuple[str, ...]:
        """What its filters need of a book."""
        return tuple(self.filters.needs)

    @property
    def timeframe(self) -> Timeframe:
        """Size of the bars."""
        return Timeframe(self.bar_size)

    @property
    def spec_hash(self) -> str:
        """SHA-256 of everything but the description; defaults are part of it.

        A spec without filters has the hash that it had before there were any; the same holds for
        the later keys of costs and rules.
        """
        left_out: dict[str, bool | set[str]] = {
            "description": True,
            "filters": not self.filters.names or self.filters.unsaid,
            "sizing": unsaid("sizing", self.sizing),
            "costs": unsaid("costs", self.costs),
            "limits": unsaid("limits", self.limits),
            "margin": self.margin == MarginSpec(),
            "risk_factor": self.risk_factor is None,
            "rules": unsaid("rules", self.rules),
        }
        left_out = {key: what for key, what in left_out.items() if what}
        values = self.model_dump(mode="json", exclude=left_out)
        values["params"] = self.all_params()
        return content_hash(values)

    def build_strategy(self, kind: type[Any] | None = None) -> Strategy:
        """Build the strategy, inside its filters when there are any.

        Args:
            kind: the class that `strategy` names, when it is known: finding it looks at files.

        Raises:
            ConfigurationError: if the strategy or a parameter is unknown or out of range.
        """
        strategy = self._unfiltered(kind)
        return Filtered(strategy, self.filters) if self.filters.names else strategy

    def _unfiltered(self, kind: type[Any] | None = None) -> Strategy:
        return self.bare_strategy(f"spec {self.name}", kind)

    def bare_strategy(self, where: str, kind: type[Any] | None = None) -> Strategy:
        """Build the strategy without its filters; `where` names the spec in messages."""
        size = _length_of(self.bar_size)
        return make_strategy(self.strategy, self.params, where=where, kind=kind, bar_size=size)

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Order types that trading it needs."""
        types = self._unfiltered().order_types
        trails = self.rules.trailing_stop != "nothing"
        return types | {OrderType.TRAILING_STOP} if trails else types

    def all_params(self) -> dict[str, Any]:
        """Give every parameter of the strategy with its value, defaults included."""
        strategy: Any = self._unfiltered()
        values = dataclasses.asdict(strategy)
        values.pop(BAR_SIZE, None)
        return values

    def canonical_yaml(self) -> str:
        """Write the spec with all defaults, so that `parse_spec` gives an equal one."""
        left_out = None if self.filters.names else {"filters"}
        values = self.model_dump(mode="json", exclude_none=True, exclude=left_out)
        values["sizing"] = {
            key: value for key, value in values["sizing"].items() if key not in self.sizing.unread
        }
        values["params"] = self.all_params()
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)

    def engine_setup(
        self,
        instruments: Iterable[Instrument],
        strategy: Strategy | None = None,
        like: tuple[StrategySpec, EngineSetup] | None = None,
    ) -> EngineSetup:
        """Give what the engine needs, with the instruments in the order of `symbols`.

        Args:
            instruments: at least those of the symbols.
            strategy: when this spec has built it already, it need not be built again.
            like: another spec with its setup, on the same instruments: a sweep makes hundreds of
                specs that differ from it in nothing that the engine sees.

        Raises:
            UnknownSymbol: if an instrument is missing.
            ConfigurationError: if instruments and spec do not fit (quote asset, tick, shorts).
        """
        strategy = getattr(strategy, "inner", strategy) or self._unfiltered()
        chosen = self._instruments(instruments)
        require_fit(
            self.name,
            strategy,
            chosen,
            quote=self.quote,
            profile=self.profile,
            filters=self.filters.names,
        )
        if like is not None and self._is_like(strategy, chosen, *like):
            return like[1]
        sizing, rules = self.sizing, self.rules
        return EngineSetup(
            instruments=chosen,
            account=Account(
                self.quote, self.cash, AccountProfile[self.profile.upper()], **dict(self.margin)
            ),
            family=strategy.family,
            tag=self.name,
            decider=decider_of(strategy),
            sizing=Sizing(**{**dict(sizing), "mode": SizingMode(sizing.mode)}),
            costs=_costs_of(self.costs.at_first),
            later_costs=tuple(
                (since, _costs_of(one)) for since, one in self.costs.later if since > 0
            ),
            limits=Limits(**dict(self.limits)),
            risk_factor=None if self.risk_factor is None else RiskFactor(**dict(self.risk_factor)),
            rules=FillRules(
                **{
                    **dict(rules),
                    "fill_at": FillAt[rules.fill_at.upper()],
                    "size_at": SizeAt[rules.size_at.upper()],
                    "trailing_stop": TrailBy[rules.trailing_stop.upper()],
                }
            ),
        )

    def _is_like(
        self,
        strategy: Strategy,
        instruments: tuple[Instrument, ...],
        other: StrategySpec,
        setup: EngineSetup,
    ) -> bool:
        """Tell whether the setup of a spec that differs in parameters alone is also this one's."""
        sections = (name for name in type(self).model_fields if name != "params")
        return (
            setup.decider is None
            and strategy.family is setup.family is not SignalFamily.ON_BAR
            and instruments == setup.instruments
            and all(getattr(self, name) is getattr(other, name) for name in sections)
        )

    def _instruments(self, instruments: Iterable[Instrument]) -> tuple[Instrument, ...]:
        known = {instrument.symbol: instrument for instrument in instruments}
        for symbol in self.symbols:
            if symbol not in known:
                raise UnknownSymbol(
                    f"Spec {self.name} trades a symbol without instrument data",
                    expected=f"one of {', '.join(sorted(known))}",
                    found=symbol,
                    fix="Add it to `symbols` in settings, or take it out of the spec.",
                )
        return tuple(known[symbol] for symbol in self.symbols)


def load_spec(path: Path, *, symbols: Sequence[Symbol] = ()) -> StrategySpec:
    """Read one spec file; `symbols` are those that `symbols: all` stands for.

    Raises:
        ConfigurationError: naming the file, the key, what was expected and what was found.
    """
    return spec_of(yaml_of(path), where=str(path), symbols=symbols)


def parse_spec(text: str, *, where: str, symbols: Sequence[Symbol] = ()) -> StrategySpec:
    """Read a spec from YAML text; `where` names its origin in messages.

    `symbols` are those that `symbols: all` stands for.

    Raises:
        ConfigurationError: as `load_spec`.
    """
    return spec_of(yaml_values(text, where), where=where, symbols=symbols)


def spec_of(
    values: Mapping[str, Any], *, where: str, symbols: Sequence[Symbol] = ()
) -> StrategySpec:
    """Read a spec from its keys; the rest is as `parse_spec`.

    Raises:
        ConfigurationError: as `load_spec`.
    """
    if values.get("symbols") == "all" and symbols:
        values = {**values, "symbols": list(symbols)}
    try:
        spec = StrategySpec.model_validate(values)
    except ValidationError as error:
        raise configuration_error(error, where, StrategySpec) from None
    spec.bare_strategy(where)
    return spec


def load_specs(
    folders: Iterable[Path], *, symbols: Sequence[Symbol] = ()
) -> Mapping[str, StrategySpec]:
    """Read every `*.yaml` and `*.yml` of the folders; give them by name, sorted.

    `symbols` are those that `symbols: all` stands for. Portfolios (`strategies.portfolio_spec`) are
    passed over.

    Raises:
        ConfigurationError: if a folder is missing, a file is wrong, or a name is taken twice.
    """
    found: dict[str, tuple[Path, StrategySpec]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(
                "Folder of specs does not exist",
                expected="a folder with *.yaml files",
                found=str(folder),
                fix="Create it, or correct specs_dir in the settings.",
            )
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            values = yaml_of(path)
            if is_portfolio(values):
                continue
            spec = spec_of(values, where=str(path), symbols=symbols)
            if spec.name in found:
                raise ConfigurationError(
                    f"{path}: name is taken",
                    expected="a name that no other spec has",
                    found=f"{spec.name}, also in {found[spec.name][0]}",
                    fix="Rename one of them; a name is an asset and the tag of its orders.",
                )
            found[spec.name] = (path, spec)
    return {name: found[name][1] for name in sorted(found)}


def _expected(parse: Any, text: Any) -> Any:
    try:
        return parse(text)
    except TradingAssetsError as error:
        raise ValueError(error.expected) from error


def _costs_of(said: CostsSpec) -> Costs:
    later_keys = HASHED_WHEN_SAID["costs"] - {"measured"}
    return Costs(
        maker_bps=said.maker,
        taker_bps=said.taker,
        per_share=said.per_share,
        slippage_bps=said.slippage_bps,
        fee_asset=FeeAsset[said.fee_asset.upper()],
        **{key: getattr(said, key) for key in later_keys},
    )


@cache
def _length_of(size: str) -> timedelta:
    """Give the length of a bar; sweeps ask for each of their strategies."""
    return timedelta(microseconds=Timeframe(size).micros)
