import numpy as np
import pytest

from fitwell.errors import InputError
from fitwell.exports.parity import prove_parity
from fitwell.exports.rows import ROWS, example_rows
from fitwell.runs.prediction import load_predictor

X = np.zeros((5, 3), dtype=np.float32)
EXPECTED = np.full((5, 2), 0.5)


def answering(change):
    def answers(rows):
        found = np.full((len(rows), 2), 0.5)
        return change(found)

    return answers


def test_a_difference_of_up_to_1e_5_is_allowed():
    parity = prove_parity(answering(lambda p: p + 9e-6), X, EXPECTED, "onnx")
    assert (parity.rows, round(parity.largest, 9)) == (5, 9e-6)


def at_row(row, value):
    def change(found):
        if len(found) > row:
            found[row, 1] = value
        return found

    return change


def fails_alone(found):
    if len(found) == 1:
        raise RuntimeError("shape\nmismatch")
    return found


REFUSED = {
    "more": (lambda p: p + 1.1e-5, "differ from torch's by up to 1.1e-05 (row 1 of 1), where 1e-05 is allowed"),
    "the last row alone": (at_row(4, 0.6), "differ from torch's by up to 1.0e-01 (row 5 of 5)"),
    "NaN": (at_row(2, np.nan), "differ from torch's by up to nan (row 3 of 3)"),
    "fewer classes": (lambda p: p[:, :1], "it answers (1, 1), but (1, 2) is expected"),
    "one row for all": (lambda p: p[:1], "it answers (1, 2), but (3, 2) is expected"),
    "no single row": (fails_alone, "it cannot answer 1 row(s): shape"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_answers_otherwise_is_refused(case):
    change, words = REFUSED[case]
    with pytest.raises(InputError) as caught:
        prove_parity(answering(change), X, EXPECTED, "onnx")
    assert words in str(caught.value)


def test_example_rows_look_like_those_of_training(run, rows):
    predictor = load_predictor(run)
    x, real = example_rows(predictor), predictor.encoder.transform(rows)
    assert x.shape == (ROWS, *predictor.shape)
    assert x.dtype == np.float32
    assert np.array_equal(x, example_rows(predictor))
    used = real.any(axis=0)
    assert x.any(axis=0)[used].all()  # each input that training used is used
    numbers = len(predictor.encoder.constants.numbers)
    # Their spread is one scale, a quartile range: within a factor of three of the real one.
    found, known = (part[:, :numbers].std(axis=0) for part in (x, real))
    varied = known > 0
    ratio = found[varied] / known[varied]
    assert ((ratio > 1 / 3) & (ratio < 3)).all()


def test_example_images_have_the_channels_mean_and_spread(image_run):
    x = example_rows(load_predictor(image_run))
    assert abs(x.mean()) < 0.1
    assert 0.8 < x.std() < 1.1
