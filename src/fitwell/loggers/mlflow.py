"""MLflow: a run with one nested run per trial and one per arm."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from fitwell.errors import InputError
from fitwell.loggers.logger import (
    Begun,
    Value,
    arm_numbers,
    numbers,
    options,
    outcome,
    series,
    settings,
)
from fitwell.masking import masked
from fitwell.results import Result, Trial

EXPERIMENT = "fitwell"
"""Name of the experiment, unless ``MLFLOW_EXPERIMENT_NAME`` gives another."""
MOST = {"metrics": 1000, "params": 100}
"""So many of a kind the tracking server takes in one call."""
PARENT = "mlflow.parentRunId"
"""The tag by which MLflow shows a run as nested."""


class MLflow:
    """Writes to a tracking server, or to ``mlflow.db`` in a folder.

    Raises:
        InputError: the server or the folder does not answer.
    """

    kind = "mlflow"

    def __init__(self, place: str) -> None:
        self._client, self._experiment = _opened(place)
        self._known: set[tuple[str, str]] = set()

    def begin(self, run: Begun) -> None:
        """Begin the run, or take up the one of that name with what it has."""
        found = self._search(f"tags.`fitwell.run` = '{run.name}'")
        if found:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            nested = self._search(f"tags.`{PARENT}` = '{self._run}'")
            # One that was cut off while it was written is written anew.
            whole = (other for other in nested if other.info.status == "FINISHED")
            self._known = {_key(other.data.tags) for other in whole}
            return
        tags = {"fitwell.run": run.name, "fitwell.kind": "run"}
        self._run = self._create(run.name, tags)
        self._log(self._run, params=options(run.asked))

    def trial(self, trial: Trial) -> None:
        """Write a nested run with the settings and the outcome of a trial."""
        tags = {"fitwell.kind": "trial", "fitwell.of": f"{trial.arm} {trial.number}"}
        self._nested(tags, params=settings(trial), metrics=outcome(trial))

    def end(self, result: Result) -> None:
        """Write the final numbers, and a nested run with the curves of each arm."""
        self._log(self._run, metrics=numbers(result))
        self._client.set_tag(self._run, "fitwell.verdict", result.diagnosis.verdict)
        arms = {arm.name: arm for arm in result.comparison.arms} if result.comparison else {}
        for curve in result.curves:
            self._nested(
                {"fitwell.kind": "arm", "fitwell.of": curve.arm},
                params=arms[curve.arm].settings if arms else {},
                metrics=arm_numbers(arms[curve.arm]) if arms else {},
                curves=series(curve),
            )

    def close(self, *, done: bool) -> None:
        """Mark the run as finished, or as killed."""
        self._client.set_terminated(self._run, status="FINISHED" if done else "KILLED")

    def _search(self, what: str) -> Sequence[Any]:
        found: list[Any] = []
        token: str | None = None
        while token != "":
            page = self._client.search_runs([self._experiment], what, page_token=token)
            found += page
            token = page.token or ""
        return found

    def _create(self, name: str, tags: Mapping[str, str]) -> str:
        created = self._client.create_run(self._experiment, run_name=name, tags=dict(tags))
        return str(created.info.run_id)

    def _nested(
        self,
        tags: Mapping[str, str],
        *,
        params: Mapping[str, Value],
        metrics: Mapping[str, float],
        curves: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        if _key(tags) in self._known:
            return
        self._known.add(_key(tags))
        run = self._create(tags["fitwell.of"], {**tags, PARENT: self._run})
        self._log(run, params=params, metrics=metrics, curves=curves)
        self._client.set_terminated(run)

    def _log(
        self,
        run: str,
        *,
        params: Mapping[str, Value] | None = None,
        metrics: Mapping[str, float] | None = None,
        curves: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        now = int(time.time() * 1000)
        values = [Metric(permitted(name), value, now, 0) for name, value in (metrics or {}).items()]
        for name, losses in (curves or {}).items():
            values += [Metric(name, value, now, epoch) for epoch, value in enumerate(losses, 1)]
        for part in _parts(values, MOST["metrics"]):
            self._client.log_batch(run, metrics=part)
        texts = [Param(permitted(name), str(value)) for name, value in (params or {}).items()]
        for part in _parts(texts, MOST["params"]):
            self._client.log_batch(run, params=part)


def permitted(name: str) -> str:
    """Give a name that MLflow takes: of other characters their number, but for brackets.

    >>> permitted("dropout[encoder.*]")
    'dropout encoder._42'
    """
    plain = name.replace("[", " ").replace("]", "")
    return re.sub(r"[^\w./ -]", lambda found: f"_{ord(found[0])}", plain)


def _key(tags: Mapping[str, str]) -> tuple[str, str]:
    return tags.get("fitwell.kind", ""), tags.get("fitwell.of", "")


def _parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[at : at + size] for at in range(0, len(values), size))


def _opened(place: str) -> tuple[MlflowClient, str]:
    """Open the experiment, or make it."""
    try:
        uri, artifacts = _uri(place)
        with _few_retries():
            client = MlflowClient(tracking_uri=uri)
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
            found = client.get_experiment_by_name(name)
            if found is not None:
                return client, str(found.experiment_id)
            return client, str(client.create_experiment(name, artifacts))
    except Exception as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(
            masked(
                f"--log mlflow:{place} cannot be opened: {reason}. Name a folder, or the address of"
                " an MLflow server that runs."
            )
        ) from error


def _uri(place: str) -> tuple[str, str | None]:
    """Give the tracking URI, and where artifacts would go; a folder gets a database.

    MLflow itself no longer writes to plain folders.
    """
    if re.match(r"[a-z][a-z0-9+.-]+:", place) or place == "databricks":
        return place, None
    folder = Path(place).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}", (folder / "artifacts").as_uri()


@contextmanager
def _few_retries() -> Iterator[None]:
    """Let a server that is not there be noticed in a second; MLflow would try for minutes."""
    name = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    before = os.environ.get(name)
    os.environ.setdefault(name, "1")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
