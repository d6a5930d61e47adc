"""The venue's refusals: code, text and HTTP status as Binance spot answers them."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request that the venue refuses; becomes `{"code":..,"msg":..}` on the wire.

    It never leaves the exchange room, hence it is not one of the product's own errors.
    """

    def __init__(
        self,
        code: int,
        text: str,
        *,
        status: int = 400,
        retry_after_s: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status
        self.retry_after_s = retry_after_s
        self.data = data

    def body(self) -> dict[str, Any]:
        """Give what is said on the wire: code and text, and what a cancelReplace tells besides."""
        said: dict[str, Any] = {"code": self.code, "msg": self.text}
        return said if self.data is None else said | {"data": self.data}


def too_much_weight(limit: int, retry_after_s: int) -> Refused:
    """Refuse for request weight (-1003, HTTP 429)."""
    return Refused(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        status=429,
        retry_after_s=retry_after_s,
    )


def banned(until: int, wall: int) -> Refused:
    """Refuse for going on after a 429 (-1003, HTTP 418); instants in microseconds."""
    return Refused(
        -1003,
        f"Way too much request weight used; IP banned until {until // 1_000}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        status=418,
        retry_after_s=(until - wall) // 1_000_000 + 1,
    )


def too_many_orders(limit: int, interval: str, retry_after_s: int) -> Refused:
    """Refuse for the number of unfilled orders (-1015, HTTP 429)."""
    return Refused(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {interval}.",
        status=429,
        retry_after_s=retry_after_s,
    )


def unsupported() -> Refused:
    """Refuse a path that this venue does not serve (-1020, HTTP 404)."""
    return Refused(-1020, "This operation is not supported.", status=404)


def late_timestamp() -> Refused:
    """Refuse a timestamp older than the window (-1021)."""
    return Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


def early_timestamp() -> Refused:
    """Refuse a timestamp from the future (-1021)."""
    return Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def bad_signature() -> Refused:
    """Refuse a wrong signature (-1022)."""
    return Refused(-1022, "Signature for this request is not valid.")


def illegal_characters(name: str, legal: str) -> Refused:
    """Refuse a malformed parameter (-1100)."""
    return Refused(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def duplicate_parameter() -> Refused:
    """Refuse a parameter sent twice in one place (-1101)."""
    return Refused(-1101, "Duplicate values for a parameter detected.")


def missing(name: str) -> Refused:
    """Refuse for a mandatory parameter (-1102)."""
    return Refused(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def missing_either(first: str, second: str) -> Refused:
    """Refuse when one of two parameters is needed (-1102)."""
    return Refused(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def unread(read: int, sent: int) -> Refused:
    """Refuse parameters that the endpoint does not know (-1104)."""
    return Refused(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )


def not_required(name: str) -> Refused:
    """Refuse a parameter that the order type does not take (-1106)."""
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> Refused:
    """Refuse more than eight decimals (-1111)."""
    return Refused(-1111, f"Parameter '{name}' has too much precision.")


def bad_symbol() -> Refused:
    """Refuse an unlisted symbol (-1121)."""
    return Refused(-1121, "Invalid symbol.")


def filter_failure(name: str) -> Refused:
    """Refuse for a filter (-1013)."""
    return Refused(-1013, f"Filter failure: {name}")


def rejected(text: str) -> Refused:
    """Refuse in the matching engine (-2010)."""
    return Refused(-2010, text)


def insufficient_balance() -> Refused:
    """Refuse for lack of funds (-2010)."""
    return rejected("Account has insufficient balance for requested action.")


def unknown_order() -> Refused:
    """Refuse a cancel of an order that is not open (-2011)."""
    return Refused(-2011, "Unknown order sent.")


def no_such_order() -> Refused:
    """Refuse a query for an order that does not exist (-2013)."""
    return Refused(-2013, "Order does not exist.")


def bad_key_format() -> Refused:
    """Refuse a missing or malformed API key (-2014)."""
    return Refused(-2014, "API-key format invalid.", status=401)


def bad_key() -> Refused:
    """Refuse an unknown API key (-2015)."""
    return Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
