"""The life of an order in the engine: which state may follow which, and nothing else.

| from | to |
|---|---|
| (placed) | WORKING, or DORMANT for the exits of an entry |
| DORMANT | WORKING (its entry filled), CANCELED |
| WORKING | TRIGGERED, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED, EXPIRED, ABSENT |
| TRIGGERED | PARTIALLY_FILLED, FILLED, CANCELED, REJECTED, EXPIRED |
| PARTIALLY_FILLED | PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED |

Every order notes the edges that it took, one bit each; the compiled step notes a move along any
other edge as a fault, at which the machine stops.
"""

from __future__ import annotations

from trading_assets.records.codes import OrderState

_S = OrderState
_ENDS = (_S.CANCELED, _S.REJECTED, _S.EXPIRED)

EDGES: tuple[tuple[OrderState, OrderState], ...] = (
    (_S.DORMANT, _S.WORKING),
    (_S.DORMANT, _S.CANCELED),
    (_S.WORKING, _S.TRIGGERED),
    (_S.WORKING, _S.PARTIALLY_FILLED),
    (_S.WORKING, _S.FILLED),
    *((_S.WORKING, end) for end in (*_ENDS, _S.ABSENT)),
    (_S.TRIGGERED, _S.PARTIALLY_FILLED),
    (_S.TRIGGERED, _S.FILLED),
    *((_S.TRIGGERED, end) for end in _ENDS),
    (_S.PARTIALLY_FILLED, _S.PARTIALLY_FILLED),
    (_S.PARTIALLY_FILLED, _S.FILLED),
    (_S.PARTIALLY_FILLED, _S.CANCELED),
    (_S.PARTIALLY_FILLED, _S.EXPIRED),
)

STAGES = (_S.WORKING, _S.TRIGGERED, _S.PARTIALLY_FILLED, _S.DORMANT)
"""States that an order can leave; the compiled step knows them by their place, and `ENDED`."""

ENDED = len(STAGES)
TARGETS = 8
"""A stage has one bit per state that could follow it: no order falls asleep."""


def edge_bit(before: OrderState, after: OrderState) -> int:
    """Give the bit of an edge; the compiled step computes the same."""
    return 1 << (STAGES.index(before) * TARGETS + after)


ALL_EDGES = sum(edge_bit(*edge) for edge in EDGES)


def edges_taken(bits: int) -> tuple[tuple[OrderState, OrderState], ...]:
    """Name the edges that an order took, in the order of `EDGES`."""
    return tuple(edge for edge in EDGES if bits & edge_bit(*edge))
