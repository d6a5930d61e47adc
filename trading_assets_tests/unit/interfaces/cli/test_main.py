"""The border of the command line: what leaves it, and how."""

import polars as pl
import pytest

from trading_assets.interfaces.cli import main


def test_a_panic_inside_polars_leaves_as_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def panicking() -> None:
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(main, "app", panicking)
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "DataError: A library gave up on the data" in said
    assert "found: a panic: index out of bounds" in said
    assert "data verify" in said


@pytest.mark.parametrize("leaving", [KeyboardInterrupt, SystemExit(3), ZeroDivisionError])
def test_everything_else_leaves_as_it_is(
    monkeypatch: pytest.MonkeyPatch, leaving: BaseException | type[BaseException]
) -> None:
    def failing() -> None:
        raise leaving

    monkeypatch.setattr(main, "app", failing)
    kind = leaving if isinstance(leaving, type) else type(leaving)
    with pytest.raises(kind):
        main.main()
