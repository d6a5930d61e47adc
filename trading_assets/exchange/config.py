"""What an embedded exchange is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.exchange.faults.armed import Rates
from trading_assets.exchange.faults.kinds import Fault
from trading_assets.exchange.market.outages import LISTED_MINUTE
from trading_assets.exchange.venue.fees import Fees

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DEMO_KEY = "demo-key"
DEMO_SECRET = "demo-secret"  # noqa: S105 - public on purpose: play money on loopback
CONNECTS_PER_5MIN = 300
_EARLIEST: Micros = (LISTED_MINUTE + 1_440) * 60_000_000


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """One account: its name, its API key and secret, and its first deposits.

    Attributes:
        public_key: PEM of an Ed25519 public key. The key then signs by it and not by the secret,
            and may open sessions on the WebSocket API.
        maker_bps: commission of this account as maker, None for that of all.
        taker_bps: the same as taker.
        pays_fees_in_bnb: at a quarter off, while it has enough BNB.
    """

    name: str = "demo"
    key: str = DEMO_KEY
    secret: str = field(default=DEMO_SECRET, repr=False)
    public_key: str = ""
    deposits: tuple[tuple[str, Decimal], ...] = (
        ("USDT", Decimal(100_000)),
        ("BTC", Decimal(1)),
    )
    maker_bps: Decimal | None = None
    taker_bps: Decimal | None = None
    pays_fees_in_bnb: bool = False

    def deposit_units(self) -> dict[str, int]:
        """Give the first deposits in 1e-8 units per asset."""
        return {asset: units_from_decimal(value) for asset, value in self.deposits}


def _rate(bps: Decimal) -> int:
    return int(bps * 10_000)


@dataclass(frozen=True, slots=True)
class ExchangeConfig:
    """Settings of one exchange.

    Attributes:
        symbols: what it lists: quoted in USDT, BTC, ETH or BNB.
        seed: of the market; equal seeds are equal markets.
        structure: learnable part of the market, 0 (noise) to 1.
        host: loopback only.
        port: 0 takes a free one.
        start: market time at the start; None follows the wall clock. With a ledger that has
            been further, market time goes on from there.
        warp: market seconds per second; needs `start` unless 1.
        ledger: SQLite file that survives restarts; None keeps everything in memory.
        sim_controls: serve `/_sim/*`.
        stepped: market time moves only by `/_sim/step`; needs `start`.
        fee_bps: commission of makers and takers.
        weight_limit: request weight per minute before 429.
        connect_limit: WebSocket connections per address and five minutes of the wall clock before
            429, 0 for any number. None takes the venue's 300 with the wall clock, and any number
            with a virtual one, where five minutes may be two days of market.
        timestamps: what the timestamps of signed requests must suit: `strict` this machine's clock
            or the market's, `wall` this machine's only, `off` neither. None is `strict`, and `off`
            while the clock is warped, since no client can follow that.
        accounts: who may trade.
        patience_s: wall seconds in which a client must have sent a request's head, and its body.
        connection_limit: open connections before further ones are turned away.
        faults: armed from the start.
        fault_rates: faults by chance.
        replay: folder of one-minute archives to serve as the market; needs `start`.
    """

    symbols: tuple[str, ...] = DEFAULT_SYMBOLS
    seed: int = 7
    structure: float = 0.5
    host: str = "127.0.0.1"
    port: int = 0
    start: Micros | None = None
    warp: float = 1.0
    ledger: Path | None = None
    sim_controls: bool = False
    stepped: bool = False
    fee_bps: Decimal = Decimal(10)
    weight_limit: int = 6_000
    connect_limit: int | None = None
    timestamps: Literal["strict", "wall", "off"] | None = None
    accounts: tuple[AccountConfig, ...] = (AccountConfig(),)
    patience_s: float = 15.0
    connection_limit: int = 4_000
    faults: tuple[Fault, ...] = ()
    fault_rates: Rates = field(default_factory=Rates)
    replay: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        self._require(self.host in LOOPBACK, "host", f"one of {', '.join(LOOPBACK)}", self.host)
        self._require(0 <= self.port <= 65_535, "port", "0 to 65535", self.port)
        self._require(0 <= self.structure <= 1, "structure", "0 to 1", self.structure)
        self._require(self.seed >= 0, "seed", "a whole number of 0 or more", self.seed)
        self._require(bool(self.symbols), "symbols", "at least one symbol", "none")
        self._require(self.warp > 0, "warp", "a positive number", self.warp)
        self._require(0 <= self.fee_bps <= 1_000, "fee_bps", "0 to 1000", self.fee_bps)
        connects = self.connect_limit
        self._require(connects is None or connects >= 0, "connect_limit", "0 or more", connects)
        known = (None, "strict", "wall", "off")
        self._require(self.timestamps in known, "timestamps", f"one of {known}", self.timestamps)
        virtual = self.start is not None
        self._require(
            virtual or not (self.stepped or self.warp != 1),
            "start",
            "a start time, which a warped or stepped clock needs",
            None,
        )
        self._require(
            self.start is None or self.start >= _EARLIEST,
            "start",
            "2017-08-18T04:00:00Z or later (symbols are listed from the day before)",
            self.start,
        )

    @staticmethod
    def _require(holds: bool, name: str, expected: str, found: Any) -> None:
        if not holds:
            raise ConfigurationError(
                f"Embedded exchange: bad {name}",
                expected=expected,
                found=str(found),
                fix="The embedded exchange is for this machine only." if name == "host" else "",
            )

    @property
    def fee_rate(self) -> int:
        """The commission in 1e-8 of the received asset."""
        return _rate(self.fee_bps)

    def own_fees(self) -> dict[str, Fees]:
        """Give the commissions of the accounts that have some of their own."""
        return {
            account.name: Fees(
                _rate(self.fee_bps if account.maker_bps is None else account.maker_bps),
                _rate(self.fee_bps if account.taker_bps is None else account.taker_bps),
                account.pays_fees_in_bnb,
            )
            for account in self.accounts
            if account.pays_fees_in_bnb or {account.maker_bps, account.taker_bps} != {None}
        }

    @property
    def connects_per_5min(self) -> int:
        """How many connections an address may open in five minutes, 0 for any number."""
        if self.connect_limit is not None:
            return self.connect_limit
        return CONNECTS_PER_5MIN if self.start is None else 0

    def identity(self) -> dict[str, Any]:
        """Give what a ledger must agree on to be continued."""
        return {
            "seed": self.seed,
            "structure": self.structure,
            "fee_rate": self.fee_rate,
            "clock": "wall" if self.start is None else "virtual",
        }
