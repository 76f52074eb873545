"""A price comes from the user's table, or there is none."""

import pytest

from fitwell.errors import InputError
from fitwell.sagemaker.prices import cost, read_prices


def test_the_price_is_by_the_second_and_the_machine(tmp_path):
    (tmp_path / "p.yaml").write_text("ml.m5.xlarge: 0.5\nml.g5.xlarge: 2\n")
    prices = read_prices(tmp_path / "p.yaml")
    assert cost(prices, "ml.g5.xlarge", 900, 3) == 1.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lines such as 'ml.m5.xlarge: 0.23' are expected."),
        ("- 1", "lines such as 'ml.m5.xlarge: 0.23' are expected."),
        ("ml.m5.xlarge: cheap", "ml.m5.xlarge is 'cheap', but a number is expected."),
        ("ml.m5.xlarge: -1", "ml.m5.xlarge is -1, but a number is expected."),
        ("ml.m5.xlarge: .nan", "ml.m5.xlarge is nan, but a number is expected."),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_prices(tmp_path.joinpath("p.yaml").relative_to(tmp_path))
    assert str(caught.value) == f"--prices p.yaml: {message}"


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        read_prices(tmp_path / "none.yaml")
