"""What the README shows does run."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python_blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_the_ten_lines_of_the_readme_run(tmp_path, monkeypatch, capsys):
    (block,) = python_blocks("README.md")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}

    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own page

    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    result, shown = names["result"], capsys.readouterr().out
    assert result.num_trades > 20
    assert result.label in shown
    assert result.result_hash[:16] in shown
    assert result.result_hash in (tmp_path / "report.html").read_text(encoding="utf-8")
