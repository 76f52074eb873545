"""The public names: few, sorted, documented."""

import inspect

import pytest

import fitwell


def test_the_public_names_are_sorted_and_at_most_twelve():
    assert fitwell.__all__ == sorted(fitwell.__all__)
    assert len(fitwell.__all__) <= 12


@pytest.mark.parametrize("name", fitwell.__all__)
def test_every_public_name_exists_and_is_documented(name):
    value = getattr(fitwell, name)
    assert name in dir(fitwell)
    if not isinstance(value, str):
        assert len(inspect.getdoc(value)) > 20


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'fitwell' has no attribute 'tunes'"):
        fitwell.tunes  # noqa: B018


@pytest.mark.parametrize("verb", ["diagnose", "tune", "compare"])
def test_the_verbs_take_at_most_two_arguments_by_position(verb):
    kinds = [p.kind for p in inspect.signature(getattr(fitwell, verb)).parameters.values()]
    assert len(kinds) <= 6
    assert kinds[-1] == inspect.Parameter.VAR_KEYWORD


def test_errors_are_fitwell_errors_and_the_builtin_that_fits():
    assert issubclass(fitwell.InputError, fitwell.FitwellError)
    assert issubclass(fitwell.InputError, ValueError)
    assert issubclass(fitwell.TrainingFailed, fitwell.FitwellError)
    assert issubclass(fitwell.TrainingFailed, RuntimeError)
