"""Armed faults: whom they strike, how often, and how they are read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.faults.armed import Faults, Rates
from trading_assets.exchange.faults.kinds import Call, Family, Kind, fault_from, vocabulary

ORDER = Call("POST", "/api/v3/order", "SOLUSDT", "demo")
NOW = 1_709_294_400_000_000


@pytest.fixture
def faults():
    told = []
    made = Faults(lambda *row: told.append(row))
    made.told = told
    return made


def armed(faults, **wish):
    return faults.arm(fault_from(wish), NOW)


def struck(faults, call=ORDER, now=NOW):
    return [kind.value for kind in faults.strike(call, now)]


def test_a_fault_is_for_the_next_matching_requests_only(faults):
    match = {"method": "POST", "path": "/api/v3/order", "symbol": "SOLUSDT", "account": "demo"}
    armed(faults, kind="drop_reply", count=2, match=match)
    for stranger in (
        Call("GET", "/api/v3/order", "SOLUSDT", "demo"),
        Call("POST", "/api/v3/klines", "SOLUSDT", "demo"),
        Call("POST", "/api/v3/order", "BTCUSDT", "demo"),
        Call("POST", "/api/v3/order", "SOLUSDT", "other"),
    ):
        assert struck(faults, stranger) == []
    assert [struck(faults) for _ in range(3)] == [["drop_reply"], ["drop_reply"], []]
    assert [(row[1].kind, row[2]) for row in faults.told] == [(Kind.DROP_REPLY, ORDER)] * 2


def test_kinds_combine_and_equals_queue(faults):
    armed(faults, kind="delay", after_ms=4, count=3)
    armed(faults, kind="drop_reply")
    armed(faults, kind="drop_reply")
    assert [struck(faults) for _ in range(4)] == [
        ["delay", "drop_reply"],
        ["delay", "drop_reply"],
        ["delay"],
        [],
    ]


def test_every_third_match_is_struck(faults):
    armed(faults, kind="drop_request", count=2, match={"every": 3})
    assert [bool(struck(faults)) for _ in range(10)] == [n in {3, 6} for n in range(1, 11)]


def test_a_window_of_market_time_strikes_all_within_it(faults):
    armed(
        faults, kind="status", status=503, **{"from": NOW // 1000 + 10, "until": NOW // 1000 + 20}
    )
    times = [NOW + ms * 1000 for ms in (0, 9, 10, 15, 19, 20)]
    assert [bool(struck(faults, now=t)) for t in times] == [False, False, True, True, True, False]


def test_what_has_ended_is_not_armed_any_more(faults):
    number = armed(faults, kind="freeze", until=NOW // 1_000 + 20)
    assert faults.upcoming() == NOW + 20_000
    faults.turn(NOW + 19_999)
    assert faults.is_armed(number, NOW + 19_999)
    faults.turn(NOW + 20_000)
    assert not faults.is_armed(number, NOW + 20_000)
    assert faults.is_quiet
    assert faults.upcoming() is None


def test_states_begin_and_end_by_market_time(faults):
    armed(faults, kind="skew_server_time", ms=-90_000, until="2024-03-01T12:00:10Z")
    assert faults.next_change(NOW - 1) is None
    assert faults.next_change(NOW) == NOW
    assert faults.turn(NOW) == []
    assert [s["ms"] for s in faults.states(Kind.SKEW_SERVER_TIME)] == [-90_000]
    assert faults.next_change(NOW + 9_999_999) is None
    assert faults.next_change(NOW + 10_000_000) == NOW + 10_000_000
    faults.turn(NOW + 10_000_000)
    assert faults.states(Kind.SKEW_SERVER_TIME) == []
    assert faults.listed()["fired"] == {"skew_server_time": 1}


def test_actions_come_due_once_in_order_of_time(faults):
    later = {"kind": "balance_set", "account": "demo", "asset": "USDT", "free": "5"}
    armed(faults, **later, at="2024-03-01T12:00:02Z")
    armed(faults, **later, at="2024-03-01T12:00:01Z")
    due = faults.turn(NOW + 5_000_000)
    assert [each.number for each in due] == [2, 1]
    for each in due:
        faults.carried_out(each, NOW, "done")
    assert faults.next_change(NOW + 9_000_000) is None
    assert [row[3] for row in faults.told] == ["done", "done"]


def test_what_is_listed_can_be_armed_again(faults):
    wish = {
        "kind": "status",
        "status": 429,
        "when": "after",
        "retry_after_s": 7,
        "code": -1003,
        "text": "Way too many requests",
        "match": {"method": "DELETE", "every": 2},
        "count": 3,
        "from": 1_709_294_400_000,
        "until": 1_709_294_500_000,
    }
    number = armed(faults, **wish)
    (row,) = faults.listed()["armed"]
    assert row == {"id": number, **wish, "fired": 0}
    faults.clear(number)
    assert faults.listed()["armed"] == []
    with pytest.raises(ConfigurationError, match="No such fault"):
        faults.clear(number)


def test_every_kind_is_described_and_can_be_armed_by_its_description(faults):
    sample = {
        "status": 500,
        "quantity": "1",
        "ms": 5,
        "symbol": "SOLUSDT",
        "account": "demo",
        "asset": "USDT",
        "free": "1",
        "side": "BUY",
    }
    described = vocabulary()
    assert set(described) == {kind.value for kind in Kind}
    for kind, words in described.items():
        needed = [name for name, default in words["settings"].items() if default == "required"]
        fault = fault_from({"kind": kind, **{name: sample[name] for name in needed}})
        assert fault.kind.family is Family(words["strikes"])
        assert fault_from(fault.plain()) == fault


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ([], "an object"),
        ({"kind": "dorp"}, "kind: one of drop_request"),
        ({"kind": ["delay"]}, "kind: one of"),
        ({"kind": "delay", "ms": 3}, "delay with before_ms, after_ms"),
        ({"kind": "delay", "before_ms": "5"}, "before_ms: a whole number"),
        ({"kind": "delay", "before_ms": True}, "before_ms: a whole number"),
        ({"kind": "delay", "before_ms": -1}, "before_ms: a whole number"),
        ({"kind": "status"}, "status with status"),
        ({"kind": "status", "status": 200}, "status: a whole number from 400"),
        ({"kind": "status", "status": 503, "when": "now"}, "when: one of before, after"),
        ({"kind": "drop_reply", "count": 0}, "count: a whole number from 1"),
        ({"kind": "drop_reply", "match": {"verb": "GET"}}, "match: an object with method"),
        ({"kind": "drop_reply", "match": {"every": 0}}, "match.every: a whole number"),
        ({"kind": "drop_reply", "match": 3}, "match: an object"),
        ({"kind": "drop_reply", "at": "noon"}, "at or from: market time"),
        ({"kind": "drop_reply", "at": "2024-03-01T12:00:00"}, "at or from: market time"),
        ({"kind": "drop_reply", "at": 1, "until": 2}, "either at, or from and until"),
        ({"kind": "drop_reply", "from": 3, "until": 2}, "later than from"),
        ({"kind": "ws_drop", "until": 2}, "no until"),
        ({"kind": "ws_drop", "count": 2}, "no count"),
        ({"kind": "halt_symbol", "symbol": "X", "match": {"symbol": "X"}}, "no match"),
        ({"kind": "partial_fill", "quantity": 0.5}, "quantity: a decimal"),
        ({"kind": "partial_fill", "quantity": "0.123456789"}, "quantity: a decimal"),
        ({"kind": "partial_fill", "quantity": "NaN"}, "quantity: a decimal"),
    ],
)
def test_a_wish_that_makes_no_sense_says_what_was_expected(wish, expected):
    with pytest.raises(ConfigurationError, match="Not a fault") as caught:
        fault_from(wish)
    assert expected in str(caught.value)


TEXTS = st.text(max_size=20) | st.sampled_from([*vocabulary(), "BUY", "1", "2024-01-01T00:00:00Z"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["kind", "match", "count", "at", "from", "until", "ms", "status", "quantity", "symbol", "side"]
)


@given(VALUES | st.dictionaries(NAMES, VALUES, max_size=6), st.sampled_from(sorted(vocabulary())))
def test_any_wish_is_a_fault_or_is_told_why_not(wish, kind):
    if isinstance(wish, dict):
        wish = {"kind": kind} | wish
    try:
        fault = fault_from(wish)
    except ConfigurationError:
        return
    assert fault_from(fault.plain()) == fault


def test_amounts_are_exact():
    assert fault_from({"kind": "partial_fill", "quantity": "0.1"}).settings["quantity"] == Decimal(
        "0.1"
    )


def drawn(seed, chance=0.1, requests=2_000):
    rates = Rates(seed, ((chance, fault_from({"kind": "drop_reply"})),))
    faults = Faults(lambda *row: None, rates)
    return [number for number in range(requests) if struck(faults)]


def test_chance_is_drawn_from_the_seed_and_the_number_of_the_request():
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 150 < len(drawn(1)) < 250
    assert drawn(1, chance=0.0) == []
    assert len(drawn(1, chance=1.0, requests=50)) == 50
