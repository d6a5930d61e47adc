"""The limit on requests: a burst, then a steady rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from trading_assets.interfaces.http_api.rate import TokenBucket
from trading_assets_tests.stand_ins.clock import HandTime


def test_after_a_burst_requests_come_back_at_the_rate():
    local = HandTime()
    bucket = TokenBucket(local, per_s=4.0, burst=3)

    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.25]
    local.seconds += 0.125
    assert bucket.take() == 0.125  # the refused one has cost nothing
    local.seconds += 0.125
    assert [bucket.take(), bucket.take()] == [0.0, 0.25]
    local.seconds += 3_600
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.25]


def test_threads_share_one_bucket():
    bucket = TokenBucket(HandTime(), per_s=1.0, burst=500)

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: bucket.take(), range(2_000)))

    assert waits.count(0.0) == 500
