"""Strategies by import path: where their code may come from, and what its source is."""

import sys

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.registry import make_strategy, strategy_class
from trading_assets.strategies.sources import OWN, source_files
from trading_assets.workflows.code_hash import code_hash

MINE = """
from dataclasses import dataclass
{imports}
from trading_assets.strategies.asked import AskedStrategy

@dataclass(frozen=True)
class Mine(AskedStrategy):
    bars: int = {bars}
    name = "mine"

    def on_bar(self, view, state):
        return []

@dataclass
class Loose:
    n: int = 1
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    home = tmp_path / "strategies"
    home.mkdir()
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    yield home
    for name in [n for n in sys.modules if n.split(".")[0] == OWN]:
        del sys.modules[name]


def write(folder, name="mine", *, bars=3, imports=""):
    (folder / f"{name}.py").write_text(MINE.format(bars=bars, imports=imports))


def test_a_file_in_the_users_folder_is_found_and_its_parameters_are_checked(folder):
    write(folder)
    assert make_strategy("mine:Mine", {"bars": 7}).bars == 7
    with pytest.raises(ConfigurationError, match=r"a\.yaml: params\.bras is not a parameter"):
        make_strategy("mine:Mine", {"bras": 7}, where="a.yaml")
    with pytest.raises(ConfigurationError, match=r"a\.yaml: params\.bars"):
        make_strategy("mine:Mine", {"bars": "many"}, where="a.yaml")


def test_a_file_may_have_the_name_of_a_module_of_the_library(folder):
    write(folder, "json")
    assert make_strategy("json:Mine", {}).name == "mine"
    assert sys.modules["json"].loads("1") == 1


def test_a_changed_file_is_another_strategy_with_another_code_hash(folder):
    write(folder, bars=3)
    first = make_strategy("mine:Mine", {})
    before = code_hash(first)
    assert strategy_class("mine:Mine") is type(first)

    write(folder, bars=4)

    second = make_strategy("mine:Mine", {})
    assert (first.bars, second.bars) == (3, 4)
    assert code_hash(second) != before
    write(folder, bars=3)
    assert code_hash(make_strategy("mine:Mine", {})) == before


@pytest.mark.parametrize(
    "imports", ["from .shared import LEVEL", "from user_strategies.shared import LEVEL"]
)
def test_what_a_file_imports_from_its_folder_is_part_of_its_source(folder, imports):
    (folder / "shared.py").write_text("LEVEL = 1\n")
    (folder / "unrelated.py").write_text("OTHER = 1\n")
    write(folder, imports=imports)
    cls = strategy_class("mine:Mine")
    before = code_hash(cls())
    assert [path.name for path in source_files(cls)] == ["mine.py", "shared.py"]

    (folder / "unrelated.py").write_text("OTHER = 2\n")
    assert code_hash(strategy_class("mine:Mine")()) == before
    (folder / "shared.py").write_text("LEVEL = 23\n")
    assert code_hash(strategy_class("mine:Mine")()) != before


def test_a_package_must_be_named_in_the_settings(folder, tmp_path, monkeypatch):
    package = tmp_path / "site" / "quant_house"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    write(package)
    monkeypatch.syspath_prepend(str(package.parent))
    with pytest.raises(ConfigurationError, match=r"b\.yaml: strategy cannot be imported") as caught:
        make_strategy("quant_house.mine:Mine", {}, where="b.yaml")
    assert "strategy_packages" in caught.value.fix
    assert "quant_house" not in sys.modules

    monkeypatch.setenv("TA_STRATEGY_PACKAGES", '["quant_house"]')

    strategy = make_strategy("quant_house.mine:Mine", {})
    assert [path.name for path in source_files(type(strategy))] == ["__init__.py", "mine.py"]
    for name in ("quant_house", "quant_house.mine"):
        monkeypatch.delitem(sys.modules, name)


def test_a_module_that_the_program_has_imported_itself_may_be_named():
    reference = "trading_assets.strategies.ema_trend:EmaTrend"
    assert make_strategy(reference, {"fast": 3}).fast == 3


@pytest.mark.parametrize(
    "reference",
    ["mine", "../up:Mine", "a/b:Mine", "mine.py:Mine", "mine:", ":Mine", "mine:Mine:X", "mi ne:M"],
)
def test_what_is_no_import_path_is_refused_before_anything_is_looked_for(folder, reference):
    with pytest.raises(ConfigurationError):
        make_strategy(reference, {})


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path):
    write(tmp_path, "elsewhere")
    (folder / "mine.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(ConfigurationError, match="outside the folder"):
        make_strategy("mine:Mine", {})


def test_a_file_that_does_not_run_is_named_with_its_error(folder):
    (folder / "broken.py").write_text("import no_such_module\n")
    with pytest.raises(ConfigurationError, match=r"c\.yaml.*no_such_module"):
        make_strategy("broken:Mine", {}, where="c.yaml")
    (folder / "broken.py").write_text("def f(:\n")
    with pytest.raises(ConfigurationError, match=r"SyntaxError.*broken\.py"):
        make_strategy("broken:Mine", {})


def test_a_class_that_is_missing_or_no_frozen_dataclass_is_refused(folder):
    write(folder)
    with pytest.raises(ConfigurationError, match=r"no Other; classes there: .*Mine"):
        make_strategy("mine:Other", {})
    with pytest.raises(ConfigurationError, match=r"frozen dataclass.*mine\.py"):
        make_strategy("mine:Loose", {})
