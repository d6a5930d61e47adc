"""A portfolio spec: the YAML file that puts several strategies on one account.

Members are strategy specs, each with a part of the account's equity to size on. What belongs to
the account (cash, profile, costs, limits, where inside a bar things happen) is the portfolio's,
whatever the members say of it for a life alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.domain.ids import Symbol, content_hash, tag_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import PortfolioSetup
from trading_assets.strategies.protocol import Strategy
from trading_assets.strategies.spec import StrategySpec, load_spec, spec_of
from trading_assets.strategies.spec_sections import (
    CostsSpec,
    LimitsSpec,
    MarginSpec,
    Number,
    RulesSpec,
    Section,
)
from trading_assets.strategies.spec_yaml import (
    configuration_error,
    is_portfolio,
    yaml_of,
    yaml_values,
)

_OF_STRATEGY = ("withdraw_past_stop", "exit_at_valid_to", "trailing_stop")
"""Rules that are a member's own."""


@dataclass(frozen=True, slots=True)
class Together:
    """The strategies of a portfolio, where a run asks for one.

    Attributes:
        strategies: in the order of the members.
    """

    strategies: tuple[Strategy, ...]
    name: str = "portfolio"

    @property
    def horizon(self) -> str | None:
        """Horizons of the forecasts, when every member follows one; else None.

        Then all of a run is out of sample, see `backtest.result.oos_start_of`.
        """
        found = [strategy.horizon for strategy in self.strategies]
        named = dict.fromkeys(horizon for horizon in found if horizon is not None)
        return "+".join(named) if None not in found else None


class MemberSpec(Section):
    """A strategy of a portfolio.

    Attributes:
        spec: of the strategy; in YAML its name, the path of its file, or its keys.
        allocation_pct: of the account's equity, that it sizes on.
    """

    spec: StrategySpec
    allocation_pct: Annotated[Number, Field(gt=0)]


class PortfolioSpec(Section):
    """Several strategies on one account; made by `load_portfolio`.

    Attributes:
        name: of the portfolio; orders carry the names of its members.
        members: in the order in which they are matched and decided at one instant.
        cash: starting balance of the account, in `quote`.
        rules: of the market; those of brackets are each member's own.
        description: for people; no part of the identity.
    """

    name: str
    description: str = ""
    members: tuple[MemberSpec, ...] = Field(min_length=1)
    cash: Annotated[Number, Field(gt=0)]
    quote: str = Field(default="USDT", pattern=r"^[A-Z0-9]{2,10}$")
    profile: Literal["spot_long_only", "margin"] = "spot_long_only"
    margin: MarginSpec = MarginSpec()
    costs: CostsSpec = CostsSpec()
    limits: LimitsSpec = LimitsSpec()
    rules: RulesSpec = RulesSpec()

    @field_validator("name")
    @classmethod
    def _name_is_valid(cls, value: str) -> str:
        try:
            return str(tag_from_text(value))
        except TradingAssetsError as error:
            raise ValueError(error.expected) from error

    @model_validator(mode="after")
    def _members_fit(self) -> PortfolioSpec:
        names = [member.spec.name for member in self.members]
        if len(set(names)) != len(names):
            raise ValueError(f"members with names of their own, not {', '.join(names)}")
        if len({member.spec.bar_size for member in self.members}) > 1:
            sizes = ", ".join(f"{m.spec.name}: {m.spec.bar_size}" for m in self.members)
            raise ValueError(f"members with bars of one size, not {sizes}")
        total = sum((member.allocation_pct for member in self.members), Decimal(0))
        if self.profile == "spot_long_only" and total > 100:
            raise ValueError(
                f"allocation_pct of at most 100 together on a spot account, not {total}"
            )
        own = {key for key in _OF_STRATEGY if key in self.rules.model_fields_set}
        if own:
            raise ValueError(f"no rules.{', '.join(sorted(own))}, which each member has of its own")
        return self

    @property
    def parts(self) -> tuple[StrategySpec, ...]:
        """The members as they trade here: with this account's cash, costs, limits and rules."""
        return tuple(self._on_account(member.spec) for member in self.members)

    def _on_account(self, spec: StrategySpec) -> StrategySpec:
        own = {key: getattr(spec.rules, key) for key in _OF_STRATEGY}
        account = {
            "cash": self.cash,
            "quote": self.quote,
            "profile": self.profile,
            "margin": self.margin,
            "costs": self.costs,
            "limits": self.limits,
            "rules": self.rules.model_copy(update=own),
        }
        return spec.model_copy(update=account)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """All that members trade, in the order in which they name it first."""
        return tuple(dict.fromkeys(s for member in self.members for s in member.spec.symbols))

    @property
    def bar_size(self) -> str:
        """Size of the bars of all members."""
        return self.members[0].spec.bar_size

    @property
    def timeframe(self) -> Timeframe:
        """The same as a value."""
        return Timeframe(self.bar_size)

    @property
    def described(self) -> dict[str, Any]:
        """What a manifest says beside the keys of the file."""
        return {
            "strategy": "portfolio",
            "symbols": list(self.symbols),
            "bar_size": self.bar_size,
            "params": self.all_params(),
        }

    @property
    def needs(self) -> tuple[str, ...]:
        """What the filters of its members need of a book."""
        return tuple(dict.fromkeys(n for m in self.members for n in m.spec.filters.needs))

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Order types that trading it needs."""
        return frozenset().union(*(member.spec.order_types for member in self.members))

    @property
    def spec_hash(self) -> str:
        """SHA-256 of everything but descriptions."""
        members = [
            [str(member.allocation_pct.normalize()), part.spec_hash]
            for member, part in zip(self.members, self.parts, strict=True)
        ]
        return content_hash(["portfolio", self.name, members])

    def all_params(self) -> dict[str, Any]:
        """Give every parameter of every member by the member's name."""
        return {member.spec.name: member.spec.all_params() for member in self.members}

    def build_strategy(self) -> Together:
        """Build the strategies of all members.

        Raises:
            ConfigurationError: if a strategy or a parameter is unknown or out of range.
        """
        return Together(tuple(part.build_strategy() for part in self.parts))

    def canonical_yaml(self) -> str:
        """Write the portfolio with its members in it, so that reading it gives an equal one."""
        values = self.model_dump(mode="json", exclude_none=True, exclude={"members", "rules"})
        values["rules"] = self.rules.model_dump(mode="json", exclude=set(_OF_STRATEGY))
        values["members"] = [
            {
                "spec": yaml.safe_load(member.spec.canonical_yaml()),
                "allocation_pct": str(member.allocation_pct),
            }
            for member in self.members
        ]
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)

    def engine_setup(
        self, instruments: Iterable[Instrument], strategy: Together | None = None
    ) -> PortfolioSetup:
        """Give what the engine needs; strategies that are built already need not be built again.

        Raises:
            UnknownSymbol: if an instrument is missing.
            ConfigurationError: if instruments and members do not fit (quote asset, tick, shorts).
        """
        known = tuple(instruments)
        strategies = (strategy or self.build_strategy()).strategies
        alone = [
            part.engine_setup(known, one) for part, one in zip(self.parts, strategies, strict=True)
        ]
        return PortfolioSetup(
            account=alone[0].account,
            strategies=tuple(
                replace(setup.strategies[0], allocation_pct=member.allocation_pct)
                for setup, member in zip(alone, self.members, strict=True)
            ),
            costs=alone[0].costs,
            later_costs=alone[0].later_costs,
            limits=alone[0].limits,
            rules=alone[0].rules,
        )


AnySpec = StrategySpec | PortfolioSpec


def load_any(
    path: Path, *, find: Callable[[str], StrategySpec], symbols: Sequence[Symbol] = ()
) -> AnySpec:
    """Read a file that holds a strategy spec or a portfolio; see `parse_any`.

    Raises:
        ConfigurationError: naming the file, the key, what was expected and what was found.
    """
    return any_of(yaml_of(path), where=str(path), find=find, symbols=symbols, folder=path.parent)


def parse_any(
    text: str,
    *,
    where: str,
    find: Callable[[str], StrategySpec],
    symbols: Sequence[Symbol] = (),
) -> AnySpec:
    """Read a strategy spec or a portfolio from YAML text; paths of members begin here.

    Args:
        text: with the key `members` it is a portfolio.
        where: names its origin in messages.
        find: gives the spec of a name that a member may have.
        symbols: those that `symbols: all` stands for.

    Raises:
        ConfigurationError: naming the origin, the key, what was expected and what was found.
    """
    return any_of(yaml_values(text, where), where=where, find=find, symbols=symbols)


def any_of(
    values: Mapping[str, Any],
    *,
    where: str,
    find: Callable[[str], StrategySpec],
    symbols: Sequence[Symbol] = (),
    folder: Path = Path(),
) -> AnySpec:
    """Read a strategy spec or a portfolio from its keys; paths of members begin in `folder`.

    The rest is as `parse_any`.

    Raises:
        ConfigurationError: as `parse_any`.
    """
    if not is_portfolio(values):
        return spec_of(values, where=where, symbols=symbols)
    members = values["members"]
    if not isinstance(members, list) or not all(isinstance(m, dict) for m in members):
        raise ConfigurationError(
            f"{where}: members",
            expected="a list of `spec` and `allocation_pct`",
            found=repr(members)[:120],
        )
    account: dict[str, Any] = {k: values[k] for k in ("cash", "quote", "profile") if k in values}
    read = [
        m | {"spec": _member(m["spec"], where, find, symbols, folder, account)}
        if "spec" in m
        else m
        for m in members
    ]
    try:
        return PortfolioSpec.model_validate({**values, "members": read})
    except ValidationError as error:
        raise configuration_error(error, where, PortfolioSpec) from None


def _member(
    given: Any,
    where: str,
    find: Callable[[str], StrategySpec],
    symbols: Sequence[Symbol],
    folder: Path,
    account: Mapping[str, Any],
) -> StrategySpec:
    """Read a member: its keys (those of the account may be left out), its file, or its name."""
    if isinstance(given, StrategySpec):
        return given
    if isinstance(given, Mapping):
        return spec_of({**account, **given}, where=f"{where}: member", symbols=symbols)
    if not isinstance(given, str):
        raise ConfigurationError(
            f"{where}: members.spec", expected="a name, a path, or keys", found=repr(given)[:80]
        )
    if given.endswith((".yaml", ".yml")):
        return load_spec(folder / given, symbols=symbols)
    return find(given)
