"""Queues of lots."""

import numpy as np

from trading_assets.records.queues import longer_queues, new_queues


def test_growing_unrolls_every_ring():
    old = new_queues(2, 4)
    old.heads[:] = [2, 0]
    old.lots["units"][0] = [30, 0, 10, 20]  # oldest first: 10, 20, 30
    old.lots["units"][1, :1] = [5]

    grown = longer_queues(old, np.array([3, 1]), 5)

    assert grown.room == 16
    assert grown.heads.tolist() == [0, 0]
    assert grown.lots["units"][:, :4].tolist() == [[10, 20, 30, 0], [5, 0, 0, 0]]
