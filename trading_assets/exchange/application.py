"""One running exchange: its parts, joined from a configuration."""

from __future__ import annotations

import asyncio
from functools import partial

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.exchange import errors
from trading_assets.exchange.clock import MarketClock, wall_now
from trading_assets.exchange.config import ExchangeConfig
from trading_assets.exchange.driver import Driver
from trading_assets.exchange.faults.armed import Faults
from trading_assets.exchange.faults.kinds import Fault, Kind
from trading_assets.exchange.interventions import Links, check, intervene, mishap_of
from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.market.windows import Windows
from trading_assets.exchange.market_sources import open_market
from trading_assets.exchange.protocol.signatures import Authenticator, Credential
from trading_assets.exchange.protocol.sockets import GOING_AWAY, Sockets
from trading_assets.exchange.streams.hub import StreamHub
from trading_assets.exchange.streams.market_streams import MarketStreams
from trading_assets.exchange.streams.user_events import UserStreams
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.ledger import Ledger
from trading_assets.exchange.venue.limits import WeightMeter
from trading_assets.exchange.venue.settlement import next_fill, settle
from trading_assets.exchange.venue.venue import Venue

_CLOCK_SLACK: Micros = 60_000_000
_FAREWELL_S = 0.5


class Exchange:
    """Everything behind the wire; all calls come from one thread."""

    def __init__(self, config: ExchangeConfig) -> None:
        self.config = config
        market = open_market(config)
        self.ledger = Ledger(config.ledger, config.identity() | market.identity)
        try:
            self.clock = MarketClock(config.start, warp=config.warp, stepped=config.stepped)
            self._continue_clock()
            self.tape = Tape(market.model, market.outages)
            self.klines = Klines(self.tape)
            self.windows = Windows(self.tape, self.klines)
            fees = Fees(config.fee_rate, config.fee_rate)
            self.venue = Venue(market.listings, market.model, market.outages, fees)
            self.venue.own_fees = config.own_fees()
            self._open_accounts()
        except BaseException:
            self.ledger.close()
            raise
        self.authenticator = Authenticator(
            tuple(Credential(a.key, a.secret, a.name, a.public_key) for a in config.accounts)
        )
        self.weights = WeightMeter(config.weight_limit)
        self.faults = Faults(self.ledger.record_fault, config.fault_rates)
        self.venue.mishap = partial(mishap_of, self.faults)
        streams = MarketStreams(self.venue, self.klines, self.tape, self.windows)
        self.hub = StreamHub(streams.make, self.clock.now())
        self.sockets = Sockets(config.connects_per_5min)
        self.links = Links(self.hub.faults, self.sockets)
        self.users = UserStreams(self.hub.faults)
        self.venue.publish = self.users.publish
        self.driver = Driver(self.clock, self.hub, self.sockets, self._settle, self._record)
        self.users.told = self.driver.poke
        for _, fault in config.fault_rates.chances:
            self.check_fault(fault)
        for fault in config.faults:
            self.arm(fault)
        self.driver.next_event = self._next_event

    def _continue_clock(self) -> None:
        last = self.ledger.last_ts
        self.clock.continue_from(last)
        if last > self.clock.now() + _CLOCK_SLACK:
            raise ConfigurationError(
                f"The ledger {self.config.ledger} has records from the future",
                expected=f"market time until {self.clock.now()} (us since 1970)",
                found=str(last),
                fix="Set this machine's clock, or name another file.",
            )

    def _open_accounts(self) -> None:
        """Continue the ledger's accounts, and open those that it does not know."""
        self.ledger.restore(self.venue)
        known = {account for account, *_ in self.venue.accounts.rows()}
        for account in self.config.accounts:
            if account.name not in known:
                self.venue.accounts.open(account.name, account.deposit_units())
        self.ledger.record(self.venue, self.clock.now())

    def close(self) -> None:
        """Settle what is due and close the ledger."""
        self.settled_now()
        self.ledger.close()

    def _record(self, now: Micros) -> None:
        self.ledger.record(self.venue, now)

    def catch_up(self) -> Micros:
        """Give the market time, with all that was due until then said and done."""
        now = self.clock.now()
        self.driver.advance(now)
        return now

    def settled_now(self) -> Micros:
        """Give the market time, with everything settled and recorded up to it."""
        now = self.catch_up()
        self.ledger.record(self.venue, now)
        return now

    def _settle(self, now: Micros) -> None:
        """Let fills happen up to `now`, and what armed faults change on the way."""
        while (change := self.faults.next_change(now)) is not None:
            settle(self.venue, change)
            intervene(self.venue, self.links, self.faults, change)
        settle(self.venue, now)

    def _next_event(self, until: Micros) -> Micros | None:
        """Give the next instant until `until` at which a fault strikes or an order is reached.

        Orders are looked at only while someone hears of it: all others find them filled as of then.
        """
        fill = None
        if self.users.is_heard or self.hub.is_heard:
            fill = next_fill(self.venue, until)
        instants = (self.faults.next_change(until), fill)
        return min((ts for ts in instants if ts is not None), default=None)

    @property
    def clock_skew(self) -> Micros:
        """How wrong a fault has set the clock that clients see and are judged by."""
        skews = self.faults.states(Kind.SKEW_SERVER_TIME)
        return 1_000 * sum(int(each["ms"]) for each in skews) if skews else 0

    def arm(self, fault: Fault) -> int:
        """Arm a fault from now on; give its number.

        Raises:
            ConfigurationError: if it names an unknown symbol or account, or too many are armed.
        """
        self.check_fault(fault)
        number = self.faults.arm(fault, self.clock.now())
        self.driver.poke()
        return number

    def check_fault(self, fault: Fault) -> None:
        """Refuse a fault that names what is not there.

        Raises:
            ConfigurationError: says what there is.
        """
        check(self.venue, fault, [account.name for account in self.config.accounts])

    def disarm(self, number: int | None = None) -> None:
        """Clear one fault or all, and end what they hold.

        Raises:
            ConfigurationError: if no fault of that number is armed.
        """
        self.faults.clear(number)
        if number is None:
            self.links.messages.clear()
        intervene(self.venue, self.links, self.faults, self.clock.now())

    async def step(self, seconds: float) -> Micros:
        """Move a stepped or paused clock; give the new market time.

        Raises:
            ConfigurationError: if the clock runs.
        """
        return await self._arrive(self.clock.step(round(seconds * 1_000_000)))

    async def jump_to(self, ts: Micros) -> Micros:
        """Move the clock forwards to `ts`; give the new market time.

        Raises:
            ConfigurationError: if it follows the wall, or would go back.
        """
        return await self._arrive(self.clock.jump_to(ts))

    async def _arrive(self, ts: Micros) -> Micros:
        await self.driver.reach(ts)
        self.ledger.record(self.venue, ts)
        self.ledger.record_time(ts)
        return ts

    async def say_farewell(self) -> None:
        """Announce a stop to the clients of streams, and wait a moment until they have it."""
        now = self.clock.now()
        told = list(self.sockets.of(None))
        for connection in told:
            connection.push(connection.farewell(now))
            connection.close(GOING_AWAY, "serverShutdown")
        if told:
            await asyncio.wait([asyncio.create_task(c.ended()) for c in told], timeout=_FAREWELL_S)

    def timestamp_clocks(self) -> tuple[Micros, ...]:
        """Give the instants of which a signed request's timestamp must suit one; none for any."""
        is_warped = not self.clock.is_paused and self.clock.warp != 1
        match self.config.timestamps or ("off" if is_warped else "strict"):
            case "off":
                return ()
            case "wall":
                return (wall_now() + self.clock_skew,)
            case _:
                return (wall_now() + self.clock_skew, self.clock.now() + self.clock_skew)

    def listing(self, symbol: str) -> Listing:
        """Find a listed symbol.

        Raises:
            Refused: -1121.
        """
        try:
            return self.venue.listings[symbol]
        except KeyError:
            raise errors.bad_symbol() from None
