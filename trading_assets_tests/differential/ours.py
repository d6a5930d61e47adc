"""A plan in our engine, order by order through the door of the caller's desk."""

from decimal import Decimal

import numpy as np

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillRules,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.requests import OrderRequest
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.risk.pre_trade import Refusal
from trading_assets_tests.differential.plans import (
    CASH,
    FIRST_BAR,
    FLATTEN,
    REVERSE,
    TICKS,
    WITHDRAW,
    Entry,
    Filled,
    Outcome,
    Plan,
)

_KINDS = {"market": OrderType.MARKET, "limit": OrderType.LIMIT, "stop": OrderType.STOP}


def setup_of(plan: Plan, rules: FillRules, slippage_bps: int = 0) -> EngineSetup:
    """Give a margin account on one instrument with whole lots and cents."""
    aaa = Instrument(symbol_from_text("AAA"), "AAA", "USD", Decimal("0.01"), Decimal(1))
    bps = Decimal(plan.fee_bps)
    return EngineSetup(
        (aaa,),
        Account("USD", Decimal(CASH), AccountProfile.MARGIN),
        SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(1)),
        Costs(maker_bps=bps, taker_bps=bps, slippage_bps=Decimal(slippage_bps)),
        rules=rules,
    )


def run_ours(
    plan: Plan,
    rules: FillRules | None = None,
    *,
    slippage_bps: int = 0,
    first_bar: int = FIRST_BAR,
) -> Outcome:
    """Follow a plan; decisions go in between two bars, as a caller's do."""
    length = len(plan.bars)
    columns = (plan.bars.T / TICKS)[:, None, :]
    bars = BarMatrix(
        np.arange(1, length + 1) * DAY, *(c.copy() for c in columns), np.ones((1, length))
    )
    silent = SignalMatrix(SignalFamily.TARGET, np.full((1, length, 3), np.nan))
    machine = Machine(setup_of(plan, rules or FillRules(), slippage_bps))
    decided = []
    for bar in range(length):
        machine.run(bars, silent, bar, bar + 1)
        if bar >= first_bar and _act(machine, plan, bar):
            decided.append(bar)
    fills = machine.fills
    found = [
        Filled(int(f["ts"]) // DAY - 1, int(f["side"] * f["lots"]), round(f["price"] * TICKS))
        for f in fills
    ]
    return Outcome(found, machine.equity_curve.copy(), tuple(decided))


def _act(machine: Machine, plan: Plan, bar: int) -> bool:
    """Do what the plan says; tell whether an entry was sent."""
    action = plan.actions[bar]
    held = machine.positions()[0].lots
    working = machine.working_orders
    if action in (FLATTEN, REVERSE) and held:
        _withdraw_all(machine)
        side = OrderSide.SELL if held > 0 else OrderSide.BUY
        _accepted(machine.submit(0, side, OrderType.MARKET, abs(held), reduce_only=True))
        if action == REVERSE:
            _accepted(machine.submit(0, side, OrderType.MARKET, abs(held)))
    elif action == WITHDRAW and not held:
        _withdraw_all(machine)
    elif isinstance(action, Entry) and not held and not len(working):
        _enter(machine, plan, bar, action)
        return True
    return False


def _enter(machine: Machine, plan: Plan, bar: int, entry: Entry) -> None:
    prices = plan.prices(bar)
    side = OrderSide(entry.side)
    request = OrderRequest(
        side, _KINDS[entry.kind], entry.lots,
        limit_ticks=prices.entry if entry.kind == "limit" else None,
        stop_ticks=prices.entry if entry.kind == "stop" else None,
    )  # fmt: skip
    other = OrderSide(-entry.side)
    exits: dict[str, OrderRequest] = {}
    if prices.stop is not None:
        exits["stop"] = OrderRequest(other, OrderType.STOP, entry.lots, stop_ticks=prices.stop)
    if prices.target is not None:
        exits["target"] = OrderRequest(
            other, OrderType.LIMIT, entry.lots, limit_ticks=prices.target
        )
    if exits:
        _accepted(machine.submit_bracket(0, request, **exits))
    else:
        _accepted(
            machine.submit(
                0, side, request.type, entry.lots,
                limit_ticks=request.limit_ticks, stop_ticks=request.stop_ticks,
            )
        )  # fmt: skip


def _withdraw_all(machine: Machine) -> None:
    for order_id in [o.order_id for o in machine.active_orders()]:
        if any(o.order_id == order_id for o in machine.active_orders()):
            machine.cancel(order_id)


def _accepted(found: object) -> None:
    assert not isinstance(found, Refusal), found
