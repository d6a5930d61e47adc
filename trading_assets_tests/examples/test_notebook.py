"""The notebook of the examples runs from its first cell to its last, as a kernel would run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

# A kernel keeps the text of its cells where `inspect` finds it; so does this one.
KERNEL = """
import json, linecache, sys
names = sys.modules["__main__"].__dict__
del names["__file__"]
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        text, name = "".join(cell["source"]), f"<{cell['id']}>"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        exec(compile(text, name, "exec"), names)
for shown in (result, dip):
    print(shown.label, shown.num_trades, len(shown._repr_html_()))
"""


def test_ui_08_the_notebook_runs_from_the_first_cell_to_the_last(tmp_path):
    kernel = tmp_path / "kernel.py"
    kernel.write_text(KERNEL)
    for name in ("solusdt_5m.csv", "trend.yaml"):
        (tmp_path / name).symlink_to(EXAMPLES / name)

    done = subprocess.run(
        [sys.executable, str(kernel), str(EXAMPLES / "backtest.ipynb")],
        cwd=tmp_path,
        env=os.environ | {"TA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert (first[:2], second[:1]) == ("ET", "D")
    assert "2 runs compared" in (tmp_path / "compared.html").read_text()
    assert (tmp_path / "report.html").is_file()


def test_the_notebook_is_kept_without_outputs():
    cells = json.loads((EXAMPLES / "backtest.ipynb").read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
