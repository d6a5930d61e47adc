"""Armed faults: which strike a request, an order or a moment, counted and told to a recorder.

Of each kind at most one strikes a request, the first armed; so a delay and a lost answer combine,
and two lost answers hit two requests.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.exchange.faults.kinds import FOREVER, Call, Family, Fault, Kind

_SPENT_KEPT = 1_000
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Faults by chance: each kind's probability per request (or order), drawn from a seed.

    A draw depends on the seed, the kind and the number of the request alone.
    """

    seed: int = 0
    chances: tuple[tuple[float, Fault], ...] = ()

    def drawn(self, family: Family, number: int) -> list[Fault]:
        """Give what strikes the request or order of this number."""
        return [f for p, f in self.chances if f.kind.family is family and self._hit(p, f, number)]

    def _hit(self, chance: float, fault: Fault, number: int) -> bool:
        text = f"{self.seed}/{fault.kind.value}/{number}".encode()
        draw = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
        return draw < chance * 2**64


@dataclass(slots=True)
class Armed:
    """A fault that waits, and how often it was met and has struck."""

    number: int
    fault: Fault
    met: int = 0
    fired: int = 0

    def plain(self) -> dict[str, Any]:
        """Give it as it is written on the wire."""
        return {"id": self.number, **self.fault.plain(), "fired": self.fired}


Recorder = Callable[[Micros, Fault, Call, str], None]


class Faults:
    """All faults of one exchange, first armed first served."""

    def __init__(self, record: Recorder, rates: Rates | None = None) -> None:
        """Start with none armed.

        Args:
            record: told of every fault that strikes: market time, fault, whom, and how it ended.
            rates: faults by chance, or None.
        """
        self._record = record
        self._rates = rates or Rates()
        self._armed: dict[int, Armed] = {}
        self._spent: deque[Armed] = deque(maxlen=_SPENT_KEPT)
        self._active: set[int] = set()
        self._numbers = 0
        self._requests: Counter[Family] = Counter()
        self.fired: Counter[Kind] = Counter()
        self._upcoming: Micros | None = None
        self._is_stale = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing can strike."""
        return not self._armed and not self._rates.chances

    def arm(self, fault: Fault, now: Micros = 0) -> int:
        """Add a fault behind those already armed; give its number.

        What happens by time happens at market time `now` at the earliest.

        Raises:
            ConfigurationError: if too many are armed.
        """
        if len(self._armed) >= _MANY:
            raise ConfigurationError(
                "Too many faults", expected=f"at most {_MANY}", found=str(len(self._armed))
            )
        if fault.kind.family in {Family.ACTION, Family.STATE}:
            fault = replace(fault, start=max(fault.start, now))
        self._numbers += 1
        self._armed[self._numbers] = Armed(self._numbers, fault)
        self._is_stale = True
        return self._numbers

    def is_armed(self, number: int, now: Micros) -> bool:
        """Whether a fault still holds."""
        armed = self._armed.get(number)
        return armed is not None and now < armed.fault.until

    def strike(self, call: Call, now: Micros, family: Family = Family.REQUEST) -> dict[Kind, Armed]:
        """Give the faults of one request or order, counted down and recorded."""
        if self.is_quiet:
            return {}
        self._requests[family] += 1
        number = self._requests[family]
        struck: dict[Kind, Armed] = {}
        for armed in list(self._armed.values()):
            if armed.fault.kind not in struck and self._meets(armed, call, now, family):
                struck[armed.fault.kind] = armed
        for fault in self._rates.drawn(family, number):
            struck.setdefault(fault.kind, Armed(0, fault))
        for armed in struck.values():
            self._fire(armed, call, now)
        if family is Family.REQUEST:
            for fault in self._rates.drawn(Family.ACTION, number):
                self.arm(fault, now)
        return struck

    @staticmethod
    def _meets(armed: Armed, call: Call, now: Micros, family: Family) -> bool:
        """Whether an armed fault strikes this call; counts the calls that it could strike."""
        fault = armed.fault
        if fault.kind.family is not family or armed.fired >= fault.count:
            return False
        if not fault.start <= now < fault.until or not fault.match.holds(call):
            return False
        armed.met += 1
        return armed.met % fault.match.every == 0

    def _fire(self, armed: Armed, call: Call, now: Micros, outcome: str = "") -> None:
        armed.fired += 1
        self.fired[armed.fault.kind] += 1
        self._record(now, armed.fault, call, outcome)
        # A freeze stays: it holds requests that it has struck until it ends or is cleared.
        if armed.fired >= armed.fault.count and armed.fault.kind is not Kind.FREEZE:
            self._retire(armed.number)

    def _retire(self, number: int) -> None:
        self._active.discard(number)
        self._is_stale = True
        if (armed := self._armed.pop(number, None)) is not None:
            self._spent.append(armed)

    # --- what happens by time

    def upcoming(self) -> Micros | None:
        """Give the earliest market time at which an action happens, or a fault begins or ends."""
        if self._is_stale:
            self._upcoming = min(map(self._change, self._armed.values()), default=FOREVER)
            self._is_stale = False
        return None if self._upcoming == FOREVER else self._upcoming

    def next_change(self, now: Micros) -> Micros | None:
        """Give that time if it is not later than `now`."""
        upcoming = self.upcoming()
        return upcoming if upcoming is not None and upcoming <= now else None

    def _change(self, armed: Armed) -> Micros:
        fault = armed.fault
        if fault.kind.family is Family.ACTION:
            return fault.start
        begins = fault.kind.family is Family.STATE and armed.number not in self._active
        return fault.start if begins else fault.until

    def turn(self, now: Micros) -> list[Armed]:
        """Begin and end what is due until `now`; give the actions to carry out."""
        self._is_stale = True
        actions = []
        for armed in sorted(self._armed.values(), key=lambda a: (a.fault.start, a.number)):
            fault = armed.fault
            if fault.kind.family is Family.ACTION and fault.start <= now:
                actions.append(armed)
            elif fault.until <= now:
                self._retire(armed.number)
            elif self._begins(armed, now):
                self._active.add(armed.number)
                self._fire(armed, _call_of(fault), now)
        return actions

    def _begins(self, armed: Armed, now: Micros) -> bool:
        is_state = armed.fault.kind.family is Family.STATE
        return is_state and armed.fault.start <= now and armed.number not in self._active

    def carried_out(self, armed: Armed, now: Micros, outcome: str) -> None:
        """Note that an action has happened, and what came of it."""
        self._fire(armed, _call_of(armed.fault), now, outcome)

    def states(self, kind: Kind) -> list[Mapping[str, Any]]:
        """Give the settings of the active states of a kind, first armed first."""
        return [self._armed[n].fault.settings for n in sorted(self._active) if self._is(n, kind)]

    def _is(self, number: int, kind: Kind) -> bool:
        return self._armed[number].fault.kind is kind

    # --- control

    def clear(self, number: int | None = None) -> None:
        """Forget one armed fault, or all with the active states.

        Raises:
            ConfigurationError: if no fault of that number is armed.
        """
        if number is not None and number not in self._armed:
            raise ConfigurationError(
                "No such fault",
                expected=f"the id of an armed fault: {sorted(self._armed)[:20] or 'none is armed'}",
                found=str(number),
            )
        for each in list(self._armed) if number is None else [number]:
            self._retire(each)

    def listed(self) -> dict[str, Any]:
        """List what is armed and what is over, with counts of what has struck."""
        return {
            "armed": [armed.plain() for armed in self._armed.values()],
            "spent": [armed.plain() for armed in self._spent],
            "fired": {kind.value: n for kind, n in sorted(self.fired.items(), key=_by_name)},
        }


def _by_name(item: tuple[Kind, int]) -> str:
    return item[0].value


def _call_of(fault: Fault) -> Call:
    return Call(
        symbol=str(fault.settings.get("symbol", "")), account=str(fault.settings.get("account", ""))
    )
