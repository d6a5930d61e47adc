"""Named random numbers."""

import numpy as np

from trading_assets.exchange.market.noise import normals, uniforms_from_words, wide_normals, words

GOLDEN = [4_522_481_494_930_128_624, 5_204_678_655_130_827_435, 2_733_777_794_271_958_286]


def test_the_words_of_a_stream_are_fixed_for_ever():
    # numpy promises never to change raw Philox output; a change here is another market everywhere.
    first = [int(word) for word in words(7, "BTCUSDT", "path", 19_723, n=3)]
    assert first == GOLDEN


def test_a_longer_draw_starts_like_a_shorter_one():
    assert words(1, "a", n=100)[:10].tolist() == words(1, "a", n=10).tolist()


def test_streams_of_different_names_or_seeds_differ():
    draws = {tuple(words(s, *names, n=4).tolist()) for s in (0, 1) for names in (("a",), ("b", 1))}
    assert len(draws) == 4


def test_normals_have_unit_variance_and_no_mean():
    for draw in (normals, wide_normals):
        sample = draw(3, "sample", n=200_000)
        assert abs(sample.mean()) < 0.01
        assert abs(sample.std() - 1) < 0.01
        assert abs(np.corrcoef(sample[1:], sample[:-1])[0, 1]) < 0.01


def test_uniforms_fill_the_unit_interval():
    sample = uniforms_from_words(words(3, "uniform", n=100_000))
    assert sample.min() >= 0
    assert sample.max() < 1
    assert abs(sample.mean() - 0.5) < 0.005
