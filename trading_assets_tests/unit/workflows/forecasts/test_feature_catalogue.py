"""The catalogue, and the page that people read, which is made of it."""

from pathlib import Path

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.features.registry import SHIPPED
from trading_assets.forecasting import sample
from trading_assets.settings import load_settings
from trading_assets.workflows.feature_catalogue import (
    COLUMNS,
    catalogue_page,
    catalogue_rows,
    formula_words,
)
from trading_assets.workflows.feature_sets import SCALE, find_set, model_set, set_of_code

PAGE = Path(__file__).parents[4] / "docs" / "features.md"


def settings(tmp_path, toml=""):
    (tmp_path / "trading_assets.toml").write_text(toml)
    return load_settings({"TA_HOME": str(tmp_path)}).settings


def part(name):
    """What stands between two marks of the page."""
    _, _, rest = PAGE.read_text().partition(f"<!-- {name} -->\n")
    return rest.partition(f"\n<!-- /{name} -->")[0]


def test_the_page_shows_the_sets_as_they_are():
    """After a wanted change, put the two texts between the marks of docs/features.md."""
    assert part("sets") == "\n\n".join(catalogue_page(one) for one in SHIPPED.values())
    assert part("formulas") == formula_words()


@pytest.mark.parametrize("features", SHIPPED.values(), ids=SHIPPED)
def test_a_row_says_everything(features):
    for row in catalogue_rows(features):
        assert tuple(row) == COLUMNS
        assert all(row[key] for key in ("name", "formula", "bars", "source", "set", "version"))


def test_models_learn_from_the_set_that_settings_name(tmp_path):
    assert model_set(settings(tmp_path)).name == "core"
    chosen = model_set(settings(tmp_path, '[model]\nfeature_set = "momentum"\n'))
    assert chosen is SHIPPED["momentum"]


def test_the_scale_of_returns_is_that_of_training():
    assert SCALE == sample.SCALE


def test_a_set_without_the_scale_of_returns_is_refused_for_models(tmp_path):
    bare = settings(
        tmp_path,
        '[model]\nfeature_set = "bare"\n[feature_sets.bare]\nversion = 1\n'
        '[feature_sets.bare.features]\nbody = "close - open"\n',
    )
    assert find_set(bare, "bare").columns == ("body",)
    with pytest.raises(ConfigurationError, match="cannot learn from feature set bare"):
        model_set(bare)
    with pytest.raises(ConfigurationError, match="core, momentum, bare"):
        find_set(bare, "other")


def test_the_set_of_a_model_is_found_by_its_code(tmp_path):
    known = settings(tmp_path)
    assert set_of_code(known, SHIPPED["momentum"].code_version) is SHIPPED["momentum"]
    assert set_of_code(known, "0" * 64) is None
