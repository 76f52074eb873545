"""fitwell closes the gap between training and test accuracy of a deep model.

`diagnose` says whether the gap is real and where it comes from; `tune` finds the L1, L2
and dropout that suit a network; `compare` holds the result against its rivals;
`regularize` treats any network for your own training loop; `FitwellClassifier` and
`FitwellRegressor` train one as a scikit-learn estimator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fitwell.version import __version__

if TYPE_CHECKING:
    from fitwell.errors import FitwellError, InputError, TrainingFailed
    from fitwell.estimators.classifier import FitwellClassifier
    from fitwell.estimators.regressor import FitwellRegressor
    from fitwell.runs.api import compare, diagnose, tune
    from fitwell.treatment import regularize

__all__ = [
    "FitwellClassifier",
    "FitwellError",
    "FitwellRegressor",
    "InputError",
    "TrainingFailed",
    "__version__",
    "compare",
    "diagnose",
    "regularize",
    "tune",
]

_HOMES = {
    "FitwellClassifier": "fitwell.estimators.classifier",
    "FitwellError": "fitwell.errors",
    "FitwellRegressor": "fitwell.estimators.regressor",
    "InputError": "fitwell.errors",
    "TrainingFailed": "fitwell.errors",
    "compare": "fitwell.runs.api",
    "diagnose": "fitwell.runs.api",
    "regularize": "fitwell.treatment",
    "tune": "fitwell.runs.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fitwell' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
