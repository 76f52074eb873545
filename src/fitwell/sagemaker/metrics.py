"""The metric lines of a job: their names, how they are written, and what reads them again."""

from collections.abc import Mapping

OBJECTIVE = "fitwell_objective"
"""Log-loss that rows which had no say in the choice promise, or else the validation rows'."""

BEST_TRIAL = "fitwell_best_trial"
"""Lowest validation log-loss of a trial of the treatment so far; written as trials end."""

METRICS = ("fitwell_gap", OBJECTIVE, BEST_TRIAL, "fitwell_test_accuracy", "fitwell_test_log_loss")
"""Every metric that a job writes; those of the search only where something was tuned."""


def metric_line(name: str, value: float) -> str:
    """Write a metric as the log has it.

    >>> metric_line("fitwell_gap", 0.00001)
    'fitwell_gap=1e-05;'
    """
    return f"{name}={value:.6g};"


def pattern(name: str) -> str:
    """Give the regular expression that captures a metric's number from its line.

    ``nan`` and ``inf`` do not match: a tuning job would rather see no value than these.

    >>> import re
    >>> re.search(pattern("fitwell_gap"), metric_line("fitwell_gap", -0.25)).group(1)
    '-0.25'
    """
    return rf"{name}=([-+0-9.eE]+);"


def metric_definitions(names: tuple[str, ...] = METRICS) -> list[dict[str, str]]:
    """Give the ``MetricDefinitions`` of a request."""
    return [{"Name": name, "Regex": pattern(name)} for name in names]


def metric_lines(values: Mapping[str, float]) -> list[str]:
    """Write the metrics of a job; all names are of `METRICS`."""
    assert set(values) <= set(METRICS)
    return [metric_line(name, value) for name, value in values.items()]
