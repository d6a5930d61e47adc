"""What the exchange lists: each symbol's grid, filters and character."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Symbol, sha256_hex, symbol_from_text
from trading_assets.domain.instrument import Instrument

QUOTE = "USDT"
CROSS_QUOTES = ("BTC", "ETH", "BNB")
_CROSS_DIGITS = 4
_REPLAYED_QUOTES = ("FDUSD", "USDC", "BUSD", "TUSD", "USDP", "EUR", "GBP", "TRY", "BRL", "JPY")


@dataclass(frozen=True, slots=True)
class Listing:
    """One listed symbol and the numbers that shape its synthetic market.

    Attributes:
        start_price: price at 2024-01-01T00:00Z, in quote per base.
        daily_volatility: standard deviation of a day's log return.
        daily_volume: mean traded value of a day, in quote.
        trade_size: typical value of one public trade, in quote.
        spread_bps: typical bid-ask spread.
        depth: median value resting on one side of the book, in quote.
        levels: price levels on one side of the book.
        level_gap_bps: typical distance between neighbouring levels.
        common: correlation of the symbol's returns with the market factor.
        max_lots: largest LIMIT order, in lots.
        max_market_lots: largest MARKET order, in lots.
        tick_multiple: ticks that a price must be a multiple of.
        lot_multiple: lots that a quantity must be a multiple of.
    """

    instrument: Instrument
    start_price: Decimal
    daily_volatility: float
    daily_volume: float
    trade_size: float
    spread_bps: float
    depth: float
    levels: int
    level_gap_bps: float
    common: float
    max_lots: int
    max_market_lots: int
    tick_multiple: int = 1
    lot_multiple: int = 1

    @property
    def tick_size(self) -> Decimal:
        """The price step that orders must keep to."""
        return self.instrument.tick * self.tick_multiple

    @property
    def step_size(self) -> Decimal:
        """The quantity step that orders must keep to."""
        return self.instrument.lot * self.lot_multiple

    @property
    def tick_units(self) -> int:
        """One tick in 1e-8 of the quote asset."""
        return int(self.instrument.tick * 100_000_000)

    @property
    def value_units(self) -> int:
        """Value of one lot at a price of one tick, in 1e-8 of the quote asset."""
        return int(self.instrument.tick * self.instrument.lot * 100_000_000)


def _instrument(base: str, tick: str, lot: str) -> Instrument:
    return Instrument(
        Symbol(base + QUOTE), base, QUOTE, Decimal(tick), Decimal(lot), min_notional=Decimal(5)
    )


_KNOWN = {
    listing.instrument.symbol: listing
    for listing in (
        Listing(
            _instrument("BTC", "0.01", "0.00001"),
            start_price=Decimal(42_000),
            daily_volatility=0.024,
            daily_volume=1.5e9,
            trade_size=1_200.0,
            spread_bps=0.2,
            depth=3_000_000.0,
            levels=50,
            level_gap_bps=0.5,
            common=0.90,
            max_lots=900_000_000,
            max_market_lots=12_000_000,
        ),
        Listing(
            _instrument("ETH", "0.01", "0.0001"),
            start_price=Decimal(2_300),
            daily_volatility=0.030,
            daily_volume=7.0e8,
            trade_size=900.0,
            spread_bps=0.4,
            depth=1_200_000.0,
            levels=40,
            level_gap_bps=0.6,
            common=0.86,
            max_lots=90_000_000,
            max_market_lots=25_000_000,
        ),
        Listing(
            _instrument("SOL", "0.01", "0.001"),
            start_price=Decimal(100),
            daily_volatility=0.040,
            daily_volume=1.2e8,
            trade_size=400.0,
            spread_bps=1.0,
            depth=32_000.0,
            levels=24,
            level_gap_bps=1.0,
            common=0.72,
            max_lots=90_000_000,
            max_market_lots=90_000_000,
        ),
        Listing(
            _instrument("BNB", "0.01", "0.001"),
            start_price=Decimal(310),
            daily_volatility=0.028,
            daily_volume=2.0e8,
            trade_size=500.0,
            spread_bps=0.6,
            depth=150_000.0,
            levels=30,
            level_gap_bps=0.8,
            common=0.75,
            max_lots=90_000_000,
            max_market_lots=90_000_000,
        ),
    )
}


def listing_of(symbol: str) -> Listing:
    """Give the listing of `symbol`.

    BTCUSDT, ETHUSDT, SOLUSDT and BNBUSDT are set by hand; any other `<BASE>USDT` gets plausible
    numbers derived from its name, so a desk of fifty symbols needs no table. Pairs quoted in BTC,
    ETH or BNB follow from the two USDT pairs of their assets.

    Raises:
        UnknownSymbol: if the text is not a symbol.
        ConfigurationError: if the symbol is quoted in anything else.
    """
    name = symbol_from_text(symbol)
    known = _KNOWN.get(name)
    if known is not None:
        return known
    for quote in (QUOTE, *CROSS_QUOTES):
        base = name.removesuffix(quote)
        if base not in {"", name, quote}:
            return _derived(base) if quote == QUOTE else _cross(base, quote)
    raise ConfigurationError(
        f"The embedded exchange cannot list {name}",
        expected=f"a symbol quoted in {QUOTE}, {', '.join(CROSS_QUOTES)}, such as ADA{QUOTE}",
        found=name,
        fix="Use another symbol, or source = binance.",
    )


def replayed_listing(symbol: str) -> Listing:
    """Give the listing of a symbol whose path comes from files, which any quote asset may have.

    Raises:
        UnknownSymbol: if the text is not a symbol.
        ConfigurationError: if its quote asset is not known.
    """
    name = symbol_from_text(symbol)
    for quote in _REPLAYED_QUOTES:
        base = name.removesuffix(quote)
        if base not in {"", name}:
            like = _derived(base)
            instrument = replace(like.instrument, symbol=name, quote=quote)
            return replace(like, instrument=instrument)
    return listing_of(name)


def legs(listing: Listing) -> tuple[Listing, Listing] | None:
    """Give the USDT listings of base and quote that a cross pair follows, or None."""
    instrument = listing.instrument
    if instrument.quote not in CROSS_QUOTES:
        return None
    return listing_of(instrument.base + QUOTE), listing_of(instrument.quote + QUOTE)


def _derived(base: str) -> Listing:
    """Draw a listing from the base asset's name; prices stay within [20, 500]."""
    digest = bytes.fromhex(sha256_hex(f"listing/{base}".encode()))
    price = Decimal(20 + digest[0] % 240 * 2)
    volume = 2e7 * (1 + digest[1] % 16)
    return Listing(
        _instrument(base, "0.01", "0.001"),
        start_price=price,
        daily_volatility=0.032 + digest[2] % 16 / 1_000,
        daily_volume=volume,
        trade_size=350.0,
        spread_bps=1.0 + digest[3] % 3,
        depth=volume / 3_000,
        levels=24,
        level_gap_bps=1.5,
        common=0.5 + digest[4] % 30 / 100,
        max_lots=90_000_000,
        max_market_lots=90_000_000,
    )


def _cross(base: str, quote: str) -> Listing:
    """Give a pair of two assets by their USDT pairs: a price of five digits, a tenth of the volume.

    A tick of a lot is worth 1e-8 of the quote asset, the finest that balances can hold.
    """
    over, under = listing_of(base + QUOTE), listing_of(quote + QUOTE)
    price = over.start_price / under.start_price
    digits = max(price.adjusted() - _CROSS_DIGITS, -8)
    tick = Decimal(1).scaleb(digits)
    scale = float(under.start_price)
    return replace(
        over,
        instrument=Instrument(
            Symbol(base + quote),
            base,
            quote,
            tick,
            Decimal(1).scaleb(-8 - digits),
            min_notional=Decimal(5).scaleb(-under.start_price.adjusted()),
        ),
        start_price=price,
        daily_volume=over.daily_volume / 10 / scale,
        trade_size=over.trade_size / scale,
        spread_bps=over.spread_bps + under.spread_bps,
        depth=over.depth / 10 / scale,
        common=0.3,
        max_lots=90_000_000,
        max_market_lots=90_000_000,
    )
