"""The estimators against scikit-learn's own list of checks, and inside its tools."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from fitwell import FitwellClassifier, FitwellRegressor

# Weights would have to give what repeated rows give, to 1e-7. They do up to rounding in
# float32 where a batch holds all rows and none are set aside (see test_sample_weight.py); but
# mini-batches and the validation part are drawn from 15 rows here and from 30 repeated ones
# there. scikit-learn expects the same failure of its own SGDClassifier, and tests its
# MLPClassifier with lbfgs instead of Adam.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "mini-batches and validation rows are drawn"
}

QUICK = {"widths": (8,), "epochs": 30, "learning_rate": 0.05}


@parametrize_with_checks(
    [FitwellClassifier(**QUICK), FitwellRegressor(**QUICK)],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_it_is_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [FitwellClassifier(), FitwellRegressor()], expected_failed_checks=lambda _: EXPECTED
)
def test_it_is_an_estimator_with_its_defaults(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    return x, 50 + 20 * (x[:, 0] - 2 * x[:, 1]) + rng.normal(size=120)


def quick(kind, **settings):
    return kind(**{**QUICK, "random_state": 0, **settings})


def test_a_grid_search_in_a_pipeline_finds_the_strength_that_does_no_harm(iris):
    pipeline = make_pipeline(StandardScaler(), quick(FitwellClassifier))
    grid = [
        {"fitwellclassifier__l1": [0.0, 10.0]},
        {"fitwellclassifier__l2": [0.0, 10.0]},
        {"fitwellclassifier__dropout": [0.0, 0.2]},
    ]
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(*iris)
    best = search.best_params_
    assert best.get("fitwellclassifier__l1", 0.0) == best.get("fitwellclassifier__l2", 0.0) == 0
    scores = search.cv_results_["mean_test_score"]
    assert search.best_score_ > 0.9
    assert scores[1] < 0.6  # l1 = 10 leaves no weight
    assert scores[3] < 0.6


def test_cross_val_score_is_as_good_as_the_data_allow(iris, numbers):
    classifier = make_pipeline(StandardScaler(), quick(FitwellClassifier))
    assert cross_val_score(classifier, *iris, error_score="raise").mean() > 0.9
    regressor = quick(FitwellRegressor, epochs=60)
    assert cross_val_score(regressor, *numbers, error_score="raise").mean() > 0.9


def test_sample_weight_reaches_fit_and_score_through_metadata_routing(iris):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        classifier = quick(FitwellClassifier).set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        x, y = iris
        only = (y < 2).astype(float)
        score = cross_val_score(
            make_pipeline(scaler, classifier), x, y, params={"sample_weight": only}
        )
    assert score.min() > 0.9  # two classes that are easy to tell apart


@pytest.mark.parametrize("copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy])
def test_a_copy_of_a_fitted_estimator_predicts_the_same(copied, iris, numbers):
    classifier = quick(FitwellClassifier).fit(*iris)
    again = copied(classifier)
    assert np.array_equal(again.predict_proba(iris[0]), classifier.predict_proba(iris[0]))
    regressor = quick(FitwellRegressor, model=nn.Linear(4, 1)).fit(*numbers)
    assert np.array_equal(copied(regressor).predict(numbers[0]), regressor.predict(numbers[0]))


def test_a_clone_has_the_parameters_and_nothing_learned(iris):
    fitted = quick(FitwellClassifier, l2=0.01, class_weights="balanced").fit(*iris)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_score_is_accuracy_and_r2(iris, numbers):
    classifier = quick(FitwellClassifier).fit(*iris)
    right = (classifier.predict(iris[0]) == iris[1]).mean()
    assert classifier.score(*iris) == pytest.approx(right)
    regressor = quick(FitwellRegressor).fit(*numbers)
    error = np.mean((regressor.predict(numbers[0]) - numbers[1]) ** 2)
    assert regressor.score(*numbers) == pytest.approx(1 - error / numbers[1].var())


def test_probabilities_stand_in_the_order_of_the_classes(iris):
    names = np.array(["setosa", "versicolor", "a virginica"], dtype=object)[iris[1]]
    classifier = quick(FitwellClassifier).fit(iris[0], names)
    assert list(classifier.classes_) == ["a virginica", "setosa", "versicolor"]
    numbered = quick(FitwellClassifier).fit(*iris)
    assert (classifier.predict(iris[0]) == names).mean() > 0.9
    assert list(numbered.classes_) == [0, 1, 2]
    probabilities = classifier.predict_proba(iris[0])
    assert np.array_equal(classifier.classes_[probabilities.argmax(1)], classifier.predict(iris[0]))


def test_importing_fitwell_imports_neither_scikit_learn_nor_torch():
    code = "import sys, fitwell; sys.exit(bool({'sklearn', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_users_module_and_the_random_states_are_left_alone(iris):
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    fitted = quick(FitwellClassifier, model=module, dropout=0.1).fit(*iris)
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    assert fitted.model is module
    assert list(fitted.module_.state_dict()) == list(before)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_a_factory_is_called_with_the_number_of_inputs_and_of_outputs(iris, numbers):
    called = []

    def factory(inputs, outputs):
        called.append((inputs, outputs))
        return nn.Linear(inputs, outputs)

    quick(FitwellClassifier, model=factory).fit(*iris)
    assert set(called) == {(4, 3)}
    called.clear()
    quick(FitwellRegressor, model=factory).fit(*numbers)
    assert set(called) == {(4, 1)}


REFUSED = [
    ({"model": "cnn"}, "model is 'cnn', but 'mlp', a module, or a function of the number of inputs and of outputs that builds one is expected."),
    ({"schedule": "cosine"}, "schedule is 'cosine', but constant or flat-cosine is expected."),
    ({"class_weights": "equal"}, "class_weights is 'equal', but none or balanced is expected."),
    ({"validation_share": 1.5}, "validation_share is 1.5, but a share between 0 and 1 is expected. Leave it at 0.2, or set early_stopping=False."),
    ({"l1": -1.0, "batch_size": 1}, "batch_size is 1, but at least 2 is expected; l1 is -1.0, but a number from 0 up is expected."),
    ({"activation": "swish"}, "activation is 'swish', but one of relu, gelu, silu, selu, tanh is expected. Choose one of them."),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_a_parameter_that_cannot_be_used_is_refused_in_one_line(settings, message, iris):
    with pytest.raises(ValueError, match="expected") as caught:
        quick(FitwellClassifier, **settings).fit(*iris)
    assert str(caught.value) == message


def test_too_few_rows_to_stop_by_are_refused():
    x, y = np.eye(6), np.array([0, 1] * 3)
    with pytest.raises(ValueError, match="6 samples") as caught:
        quick(FitwellClassifier).fit(x, y)
    assert str(caught.value) == (
        "6 samples leave 5 to train on and 1 to stop by, but at least 2 of"
        " each are expected. Give more, change validation_share, or set early_stopping=False."
    )
    quick(FitwellClassifier, early_stopping=False).fit(x, y)
    with pytest.raises(ValueError, match="6 samples leave 1 to train on and 5 to stop by"):
        quick(FitwellRegressor, validation_share=0.99).fit(x, y)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="class") as caught:
        quick(FitwellClassifier).fit(np.eye(6), [0, 1] * 3, sample_weight=[0, 1] * 3)
    assert str(caught.value) == (
        "y holds one class only, 1, in all rows of weight above zero. At least two are expected."
    )
