"""One network on the test rows, in detail: from its probabilities to plain data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fitwell.evaluation.calibration import calibration
from fitwell.evaluation.classes import class_scores, confusion
from fitwell.evaluation.ranking import ranking
from fitwell.found.evaluation import Evaluation


def evaluate(
    network: str,
    classes: Sequence[str],
    test: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64] | None],
) -> Evaluation:
    """Measure calibration, classes and, where there are two, ranking and costs.

    A row is called the class of its highest probability, the first of equals.

    Args:
        network: how to call it.
        classes: names, in the order of the probabilities.
        test: class probabilities, class numbers, groups of the test rows.
    """
    probabilities, target, groups = test
    called = probabilities.argmax(axis=1)
    return Evaluation(
        network=network,
        rows=len(target),
        calibration=calibration(probabilities, target, groups),
        classes=class_scores(called, target, classes, groups),
        confusion=confusion(called, target, len(classes)),
        ranking=ranking(probabilities, target, classes, groups),
    )
