"""A local twin of SageMaker's Automatic Model Tuning: the same request, run on this machine.

It starts the real entry point once per setting, reads the objective out of each log by the
request's own expression, and keeps the best. What is drawn is not what AWS would draw: the
service does not publish its sampler. ``Bayesian`` is Optuna's Gaussian process here, and
``Random`` its uniform draws, on the scales that the request names.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna import distributions
from optuna.trial import FrozenTrial, TrialState, create_trial

from fitwell.errors import FitwellError, InputError
from fitwell.sagemaker.jobs import Plan
from fitwell.sagemaker.local_job import Ended, LocalJob
from fitwell.sagemaker.requests import Body
from fitwell.storage import read_json, write_json

SUMMARY = "tuning.json"
LOOK = 0.2
"""Seconds between two looks at the jobs."""

HOPELESS = 5
"""So many jobs that failed, with none that ended well, end the tuning."""


@dataclass(frozen=True)
class Tuned:
    """What a tuning left.

    Attributes:
        name: of the best job.
        objective: its value of the objective.
        interval: of that log-loss, 95 %, over the validation rows, as the job's result has it. It
            knows nothing of the choice among jobs.
        hyperparameters: what was drawn for it.
        model: its run folder, for ``fitwell predict``, ``report`` and ``serve``.
        jobs: how many ended well.
    """

    name: str
    objective: float
    interval: tuple[float, float]
    hyperparameters: dict[str, str]
    model: Path
    jobs: int


def tune_here(plan: Plan, out: Path, tell: Callable[[str], None] = lambda _: None) -> Tuned:
    """Run a planned tuning job on this machine; called again, it goes on where it was ended.

    Args:
        plan: of `fitwell.sagemaker.plan_tuning`, with data on this machine.
        out: folder to make; ``tuning.json`` says what each job was given and gave, and
            ``jobs`` holds the folders.
        tell: takes a line per job.

    Raises:
        InputError: data in S3, parents to learn from, or another request's folder.
        FitwellError: no job ended well.
    """
    body = plan.requests[0].body
    data = _data(body, plan)
    if "WarmStartConfig" in body:
        raise InputError("--warm-start: jobs of AWS cannot be learned from here. Leave it out.")
    return _Tuning(body, data, out, tell).run()


def _data(body: Body, plan: Plan) -> dict[str, Path]:
    lies = {upload.uri: upload.path for upload in plan.uploads}
    found = {}
    for channel in body["TrainingJobDefinition"]["InputDataConfig"]:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        if uri not in lies:
            raise InputError(f"{uri} is not on this machine. With --local name a file or a folder.")
        found[channel["ChannelName"]] = lies[uri]
    return found


class _Tuning:
    """The jobs of a request, those that run and those that ended."""

    def __init__(
        self, body: Body, data: Mapping[str, Path], out: Path, tell: Callable[[str], None]
    ) -> None:
        config = body["HyperParameterTuningJobConfig"]
        self.body, self.data, self.out, self.tell = body, data, out, tell
        self.most = config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
        self.at_once = config["ResourceLimits"]["MaxParallelTrainingJobs"]
        objective = config["HyperParameterTuningJobObjective"]
        self.objective, self.least = objective["MetricName"], objective["Type"] == "Minimize"
        self.space = _space(config["ParameterRanges"])
        self.jobs: dict[int, dict[str, Any]] = {}
        self.study = _study(config, 0)
        self.running: dict[int, tuple[LocalJob, Any]] = {}

    def run(self) -> Tuned:
        self._go_on()
        try:
            while len(self.jobs) < self.most or self.running:
                while len(self.running) < self.at_once and len(self.jobs) < self.most:
                    self._start(next(n for n in range(1, self.most + 1) if n not in self.jobs))
                self._look()
                time.sleep(LOOK)
        finally:
            for number, (job, _) in self.running.items():
                job.stop()
                del self.jobs[number]  # it is run again when this is repeated
            self._save()
        return self._best()

    def _start(self, number: int) -> None:
        definition = self.body["TrainingJobDefinition"]
        trial = self.study.ask(self.space)
        drawn = {name: str(value) for name, value in trial.params.items()}
        name = f"{self.body['HyperParameterTuningJobName']}-{number:03d}"
        given = {
            **definition["StaticHyperParameters"], **drawn,
            "_tuning_objective_metric": self.objective,
        }  # fmt: skip
        folder = self.out / "jobs" / name
        job = LocalJob.start(name, definition, given, self.data, folder)
        self.running[number] = job, trial
        self.jobs[number] = {"name": name, "drawn": drawn, "parameters": dict(trial.params)}

    def _look(self) -> None:
        for number, (job, trial) in list(self.running.items()):
            ended = job.ended()
            if ended is None:
                continue
            del self.running[number]
            value = ended.metrics.get(self.objective) if ended.status == "Completed" else None
            self.jobs[number] |= {**asdict(ended), "objective": value}
            self._say(number, ended, value)
            if value is None:
                self.study.tell(trial, state=TrialState.FAIL)
            else:
                self.study.tell(trial, value)
            self._save()
        failed = [job for job in self.jobs.values() if job.get("status") == "Failed"]
        if len(failed) >= HOPELESS and not self._good():
            raise FitwellError(f"{len(failed)} jobs failed; the first: {failed[0]['reason']}")

    def _say(self, number: int, ended: Ended, value: float | None) -> None:
        told = f"{self.objective} {value:.4f}" if value is not None else ended.status
        reason = f": {ended.reason}" if ended.reason else ""
        done = [job["seconds"] for job in self.jobs.values() if "seconds" in job]
        left = (self.most - len(done)) * sum(done) / len(done) / self.at_once
        self.tell(f"job {number} of {self.most}: {told}{reason}; about {left / 60:.0f} min left")

    def _good(self) -> list[dict[str, Any]]:
        return [job for job in self.jobs.values() if job.get("objective") is not None]

    def _best(self) -> Tuned:
        good = self._good()
        if not good:
            first = next(iter(self.jobs.values()))
            told = first["reason"] or f"no line of its log tells {self.objective}"
            raise FitwellError(f"no job ended well; the first: {told}")
        best = (min if self.least else max)(good, key=lambda job: float(job["objective"]))
        model = self.out / "jobs" / best["name"] / "model"
        chosen = read_json(model / "result.json")["regularization"]
        told = chosen["estimated_log_loss"] or chosen["promised_log_loss"]  # as the objective
        interval = (told["low"], told["high"])
        return Tuned(best["name"], best["objective"], interval, best["drawn"], model, len(good))

    def _save(self) -> None:
        ended = {str(n): job for n, job in sorted(self.jobs.items()) if "status" in job}
        write_json(self.out / SUMMARY, {"request": self.body, "jobs": ended})

    def _go_on(self) -> None:
        """Take over what an earlier call left; refuse a folder of anything else."""
        path = self.out / SUMMARY
        if not path.exists():
            if self.out.exists() and any(self.out.iterdir()):
                raise InputError(f"--out {self.out} holds something else. Choose another folder.")
            self.out.mkdir(parents=True, exist_ok=True)
            self._save()
            return
        left = read_json(path)
        if left.get("request") != self.body:
            raise InputError(
                f"--out {self.out} holds the jobs of another request. Choose another folder, or"
                " repeat that request to go on."
            )
        self.study = _study(self.body["HyperParameterTuningJobConfig"], len(left["jobs"]))
        for number, job in left["jobs"].items():
            if job["status"] != "Stopped":
                self.jobs[int(number)] = job
                self.study.add_trial(_as_trial(job, self.space))


def _study(config: Body, done: int) -> optuna.Study:
    """Make a study; one that goes on after ``done`` jobs must not draw the same again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = config.get("RandomSeed", 0) + done
    samplers: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
        "Bayesian": lambda: optuna.samplers.GPSampler(seed=seed, n_startup_trials=5),
        "Random": lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    strategy = config["Strategy"]
    if strategy not in samplers:
        raise InputError(f"strategy {strategy} is not replayed here. Use Bayesian or Random.")
    wanted = config["HyperParameterTuningJobObjective"]["Type"]
    return optuna.create_study(sampler=samplers[strategy](), direction=wanted.lower())


def _space(ranges: Body) -> dict[str, distributions.BaseDistribution]:
    """Turn ``ParameterRanges`` into Optuna's distributions, on the same scales."""
    found: dict[str, distributions.BaseDistribution] = {}
    for one in ranges.get("ContinuousParameterRanges", ()):
        low, high = float(one["MinValue"]), float(one["MaxValue"])
        found[one["Name"]] = distributions.FloatDistribution(low, high, log=_log(one))
    for one in ranges.get("IntegerParameterRanges", ()):
        least, most = int(one["MinValue"]), int(one["MaxValue"])
        found[one["Name"]] = distributions.IntDistribution(least, most, log=_log(one))
    for one in ranges.get("CategoricalParameterRanges", ()):
        found[one["Name"]] = distributions.CategoricalDistribution(one["Values"])
    return found


def _log(one: Body) -> bool:
    scale = one.get("ScalingType", "Auto")
    if scale not in ("Linear", "Logarithmic", "Auto"):
        raise InputError(f"ScalingType {scale} of {one['Name']} is not replayed here.")
    return bool(scale == "Logarithmic")


def _as_trial(
    job: Mapping[str, Any], space: Mapping[str, distributions.BaseDistribution]
) -> FrozenTrial:
    value = job["objective"]
    return create_trial(
        params=job["parameters"],
        distributions=dict(space),
        value=value,
        state=TrialState.FAIL if value is None else TrialState.COMPLETE,
    )
