"""A request checked offline, before anything is sent or paid for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker import serving_rules, training_rules, tuning_rules
from fitwell.sagemaker.findings import Finding
from fitwell.sagemaker.shapes import misfits

Rule = Callable[[Mapping[str, Any]], Iterator[Finding]]

RULES: Mapping[str, Sequence[Rule]] = {
    "CreateTrainingJob": training_rules.RULES,
    "CreateHyperParameterTuningJob": tuning_rules.RULES,
    "CreateModel": serving_rules.MODEL,
    "CreateEndpointConfig": serving_rules.ENDPOINT_CONFIG,
    "CreateEndpoint": serving_rules.ENDPOINT,
    "CreateTransformJob": serving_rules.TRANSFORM,
}
"""What each operation is held against beside the service's own model."""


def check(operation: str, body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """List everything that is wrong with a body, in order; nothing is sent.

    Args:
        operation: such as ``CreateTrainingJob``.
        body: what boto3 would be given.

    Raises:
        InputError: no such operation, or botocore is not installed.
    """
    found = misfits(operation, body)
    misfit = bool(found)
    for rule in RULES.get(operation, ()):
        try:
            found += rule(body)
        except (AttributeError, IndexError, KeyError, TypeError):
            # A rule may trip over a key that is missing or of another type: it is named already.
            if not misfit:
                raise
    return tuple(dict.fromkeys(found))


def must_pass(operation: str, body: Mapping[str, Any]) -> None:
    """Refuse a body that is not in order.

    Raises:
        InputError: all findings, one after the other.
    """
    if found := check(operation, body):
        raise InputError(f"{operation}: " + " ".join(map(str, found)))
