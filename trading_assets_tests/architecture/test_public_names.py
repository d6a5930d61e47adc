import subprocess
import sys

import trading_assets


def test_every_public_name_can_be_had():
    for name in trading_assets.__all__:
        assert getattr(trading_assets, name) is not None


def test_the_list_of_names_and_their_homes_agree():
    assert set(trading_assets.__all__) == set(trading_assets._HOMES)


def test_importing_the_package_imports_none_of_its_rooms():
    code = (
        "import sys, trading_assets;"
        "print([n for n in sys.modules if n.startswith('trading_assets.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
