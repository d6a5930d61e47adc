"""Speaking names of runs: a title for people, and a name for lists of experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from trading_assets.domain.ids import Month
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec
from trading_assets.strategies.spec_sections import CostsSpec, SizingSpec, decimal_text


def title(spec: AnySpec, metrics: Mapping[str, Any]) -> str:
    """Give the title, such as `IB • Risk 1% • 10k • fees 2bps • 20 trades • WR 0.75 • PnL +3.61`.

    Args:
        spec: gives strategy, sizing, cash and fees.
        metrics: `all` of `evaluation.performance`.
    """
    rate = metrics["win_rate"]
    return " • ".join(
        [
            *_what(spec),
            _thousands(spec.cash),
            f"fees {_fees(spec.costs)}",
            f"{metrics['num_trades']} trades",
            f"WR {'-' if rate is None else f'{rate:.2f}'}",
            f"PnL {metrics['net_pnl']:+.2f}",
        ]
    )


def run_name(spec: AnySpec, months: Sequence[Month], metrics: Mapping[str, Any]) -> str:
    """Give the name in MLflow, such as `ib_risk1 | SOLUSDT 5m | 2024-01..03 | fees 2bps | ...`."""
    symbols = spec.symbols[0] if len(spec.symbols) == 1 else f"{len(spec.symbols)} symbols"
    sharpe = metrics["sharpe"]
    return " | ".join(
        [
            spec.name,
            f"{symbols} {spec.bar_size}",
            span(months),
            f"fees {_fees(spec.costs)}",
            f"{metrics['num_trades']} trades",
            f"SR {'-' if sharpe is None else f'{sharpe:.1f}'}",
        ]
    )


def span(months: Sequence[Month]) -> str:
    """Write months as `2024-03`, `2024-01..03` or `2018-02..2025-01`."""
    first, last = months[0], months[-1]
    if first == last:
        return str(first)
    return f"{first}..{last.month:02d}" if first.year == last.year else f"{first}..{last}"


def initials(name: str) -> str:
    """Shorten `inside_bar` to `IB`."""
    return "".join(part[0] for part in name.split("_") if part).upper()


def _what(spec: AnySpec) -> list[str]:
    if isinstance(spec, PortfolioSpec):
        parts = " ".join(decimal_text(member.allocation_pct) for member in spec.members)
        return [f"Portfolio of {len(spec.members)}", f"{parts} %"]
    return [initials(spec.build_strategy().name), _sizing(spec.sizing)]


def _sizing(sizing: SizingSpec) -> str:
    name, number = {
        "fixed": ("Fixed", sizing.qty),
        "pct_of_equity": ("Pos", sizing.pos_pct),
        "risk": ("Risk", sizing.risk_pct),
        "atr": ("ATR risk", sizing.risk_pct),
        "vol_target": ("Vol", sizing.target_vol_pct),
        "kelly": ("Kelly", sizing.kelly_pct),
        "risk_parity": ("Parity", sizing.pos_pct),
    }[sizing.mode]
    return f"{name} {decimal_text(number)}{'' if sizing.mode == 'fixed' else '%'}"


def _fees(costs: CostsSpec) -> str:
    fees = dict.fromkeys(decimal_text(value) for value in (costs.maker, costs.taker))
    return f"{'/'.join(fees)}bps"


def _thousands(cash: Decimal) -> str:
    whole = cash % 1000 == 0
    return f"{decimal_text(cash / 1000)}k" if whole else decimal_text(cash)
