"""Memory for logs and signals."""

import numpy as np
import pytest

from trading_assets.records.arrays import buffer
from trading_assets.records.results import FILL


@pytest.mark.parametrize("shape", [3, (2, 5), 1_000_000, (3, 2, 200_000)])
def test_a_buffer_is_an_ordinary_array(shape):
    array = buffer(shape)

    assert array.shape == (shape if isinstance(shape, tuple) else (shape,))
    assert array.dtype == np.float64
    assert array.flags.c_contiguous
    assert array.flags.aligned
    assert array.flags.writeable


def test_a_large_one_begins_on_a_huge_page():
    assert buffer(100_000, FILL).ctypes.data % (2 << 20) == 0
