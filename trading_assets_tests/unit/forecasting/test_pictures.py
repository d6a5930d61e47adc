import numpy as np

from trading_assets.forecasting.pictures import reliability_picture
from trading_assets.forecasting.reliability import reliability


def test_the_picture_is_the_same_bytes_again():
    draw = np.random.default_rng(0)
    stated = draw.uniform(0.5, 0.9, 500)
    curve = reliability(stated, draw.random(500) < stated).plain()
    drawn = [reliability_picture({"1h": curve, "4h": curve}, {"1h": [(1, -0.01)]}) for _ in "ab"]
    assert drawn[0].startswith(b"\x89PNG")
    assert drawn[0] == drawn[1]
