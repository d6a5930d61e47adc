#!/bin/sh
# Makes one environment per peer, since their pins of numpy and pandas differ: make_venvs.sh FOLDER
# Floors say what the rows were written for; uv takes what the machine's package index offers.
set -eu
folder=${1:?a folder for the environments}
python=${PYTHON:-3.11}
mkdir -p "$folder"

make_venv() {
    name=$1
    shift
    [ -x "$folder/$name/bin/python" ] || uv venv --quiet --python "$python" "$folder/$name"
    uv pip install --quiet --python "$folder/$name/bin/python" "$@"
    echo "$folder/$name: $*"
}

make_venv v_vbt     "vectorbt>=1.2" "pyarrow>=22"
make_venv v_btpy    "backtesting>=0.6.6" "pyarrow>=22"
make_venv v_btrader "backtrader>=1.9.78.123" "pandas>=2.3" "pyarrow>=22"
make_venv v_naut    "nautilus_trader>=1.221,<1.222"  # its API moves with every minor version
