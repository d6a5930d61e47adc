import numpy as np
import pytest

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.forecasting.linear_model import LinearModel

_MODEL = LinearModel.fitted(
    "ridge", ("a", "b"), weights=(2.0, -1.0), intercept=0.5, centre=(1.0, 0.0), spread=(2.0, 1.0),
    clip=3.0,
)  # fmt: skip


def test_a_line_says_what_its_numbers_say():
    said = _MODEL.predict(np.array([[1.0, 0.0], [3.0, 1.0], [100.0, -100.0]]))
    assert said.tolist() == [0.5, 0.5 + 2 - 1, 0.5 + 6 + 3]


def test_a_document_gives_the_model_back():
    assert LinearModel.from_text(_MODEL.text) == _MODEL


def test_digits_of_the_machine_are_left_out():
    third = LinearModel.fitted("mean", (), weights=(), intercept=1 / 3)
    other = LinearModel.fitted("mean", (), weights=(), intercept=1 / 3 + 1e-15)
    assert third.text == other.text


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", _MODEL.text + " ", _MODEL.text.replace('"a",', ""),
             _MODEL.text.replace('"format":1', '"format":2')],
)  # fmt: skip
def test_other_documents_are_refused(text):
    with pytest.raises(CorruptFile, match="Not a linear model"):
        LinearModel.from_text(text)


def test_other_columns_are_refused():
    with pytest.raises(DataError, match="2 columns"):
        _MODEL.predict(np.zeros((1, 3)))
