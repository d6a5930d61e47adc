"""What armed faults do to the messages of streams."""

from trading_assets.exchange.faults.streams import StreamFaults


def sent(faults, *messages):
    return [text for name, text in messages for text in faults.passed(name, text)]


def numbered(count, name="a@trade"):
    return [(name, f"{number}") for number in range(count)]


def test_without_faults_all_pass():
    assert sent(StreamFaults(), *numbered(3)) == ["0", "1", "2"]


def test_a_gap_withholds_the_next_messages_of_one_stream():
    faults = StreamFaults()
    faults.gap("a@trade", 2)
    assert sent(faults, ("b@trade", "x"), *numbered(4)) == ["x", "2", "3"]


def test_doubles_come_twice():
    faults = StreamFaults()
    faults.duplicate("", 2)
    assert sent(faults, *numbered(3)) == ["0", "0", "1", "1", "2"]


def test_two_messages_of_one_stream_change_places():
    faults = StreamFaults()
    faults.reorder("")
    mixed = [("a", "a0"), ("b", "b0"), ("a", "a1"), ("b", "b1")]
    assert sent(faults, *mixed) == ["b0", "a1", "a0", "b1"]


def test_faults_strike_one_after_the_other():
    faults = StreamFaults()
    faults.gap("a@trade", 1)
    faults.duplicate("a@trade", 1)
    assert sent(faults, *numbered(4)) == ["1", "1", "2", "3"]


def test_subscriptions_are_refused_so_many_times():
    faults = StreamFaults()
    faults.reject_subscribe(2)
    assert [faults.takes_subscription() for _ in range(4)] == [True, True, False, False]


def test_clearing_forgets_everything():
    faults = StreamFaults()
    faults.gap("", 5)
    faults.reorder("")
    faults.reject_subscribe(1)
    faults.clear()
    assert sent(faults, *numbered(2)) == ["0", "1"]
    assert not faults.takes_subscription()
