"""The peers of `search.py`: one plain training, and Optuna and Ray Tune around it.

All is written as users of these libraries write it. Every training of a search starts from
the same seed, so that its settings differ in the settings only.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from numpy.typing import NDArray
from search_problem import SPACE, Found, Method, Problem, Rows
from torch import Tensor, nn
from torch.nn import functional as F

State = dict[str, Tensor]


@dataclass(frozen=True)
class Setting:
    """One configuration; zeros are the untreated network.

    ``weight_decay`` is AdamW's, and stays what it is in the refit, as it would by hand.
    """

    l1: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.0


@dataclass(frozen=True)
class Trained:
    """The best epoch of one training, by validation log-loss."""

    setting: Setting
    loss: float
    epoch: int
    state: State


def build(problem: Problem, dropout: float) -> nn.Sequential:
    """Build the network, with dropout after each hidden activation where it is on."""
    return problem.net.build(problem.train[0].shape[1], problem.classes, dropout)


class Training:
    """A network, its optimizer, and the rows it learns from."""

    def __init__(self, problem: Problem, setting: Setting, rows: Rows, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = build(problem, setting.dropout)
        self.weights = [p for p in self.network.parameters() if p.ndim > 1]
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=problem.learning_rate,
            weight_decay=setting.weight_decay,
            fused=True,
        )
        self.l1, self.rows, self.batch_size = setting.l1, rows, problem.batch_size

    def epoch(self) -> None:
        """Pass once over the rows."""
        x, y = self.rows
        self.network.train()
        for batch in torch.randperm(len(x)).split(self.batch_size):
            loss = F.cross_entropy(self.network(x[batch]), y[batch])
            if self.l1 > 0:
                loss = loss + self.l1 * sum(p.abs().sum() for p in self.weights)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    @torch.no_grad()
    def loss(self, rows: Rows) -> float:
        """Give the mean log-loss of the rows."""
        self.network.eval()
        return F.cross_entropy(self.network(rows[0]), rows[1]).item()

    def state(self) -> State:
        """Copy the weights."""
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}


def train(
    problem: Problem,
    setting: Setting,
    seed: int,
    report: Callable[[int, float], None] | None = None,
) -> Trained:
    """Train once and keep the best epoch; ``report`` hears of every epoch and may raise."""
    training = Training(problem, setting, problem.train, seed)
    best = Trained(setting, float("inf"), 0, {})
    for epoch in range(1, problem.epochs + 1):
        training.epoch()
        loss = training.loss(problem.validation)
        if loss < best.loss:
            best = Trained(setting, loss, epoch, training.state())
        if report is not None:
            report(epoch, loss)
    return best


@torch.no_grad()
def probabilities(problem: Problem, network: nn.Module) -> NDArray[np.float64]:
    """Give the network's probabilities of the test rows."""
    network.eval()
    return network(problem.test_x).double().softmax(dim=1).numpy()


def finish(problem: Problem, best: Trained, seed: int, seconds: float, **extra: Any) -> Found:
    """Apply the chosen network to the test rows, then train it anew on more rows."""
    chosen = build(problem, best.setting.dropout)
    chosen.load_state_dict(best.state)
    start = time.perf_counter()
    again = refit(problem, best.setting, best.epoch, seed)
    extra["refit_seconds"] = time.perf_counter() - start
    return Found(
        settings={**asdict(best.setting), "epochs": best.epoch},
        choice=probabilities(problem, chosen),
        refit=probabilities(problem, again),
        seconds=seconds,
        extra={"validation_loss": best.loss, **extra},
    )


def refit(problem: Problem, setting: Setting, epochs: int, seed: int) -> nn.Sequential:
    """Train on training and validation rows, for as many epochs as were best before."""
    again = Training(problem, setting, problem.both, seed)
    for _ in range(epochs):
        again.epoch()
    return again.network


def untreated(problem: Problem, seed: int) -> Found:
    """Train once, without any penalty."""
    start = time.perf_counter()
    best = train(problem, Setting(), seed)
    return finish(problem, best, seed, time.perf_counter() - start)


def suggest(problem: Problem, trial: optuna.Trial, *, exact: bool) -> Setting:
    """Ask Optuna for a setting.

    A switch of two values is what users write, and what TPE learns from; it is off in half
    of the draws that nothing was learned from. ``exact`` turns it into a number that is off
    in the space's own share of draws, for the sampler that never learns.
    """
    drawn: dict[str, float | None] = {}
    for name, axis in SPACE.items():
        if exact:
            on = trial.suggest_float(f"{name}_switch", 0, 1) >= axis.off
        else:
            on = trial.suggest_categorical(f"{name}_on", [False, True])
        drawn[name] = trial.suggest_float(name, axis.low, axis.high, log=axis.log) if on else None
    return _setting(problem, drawn)


def _setting(problem: Problem, drawn: dict[str, float | None]) -> Setting:
    decay = problem.weight_decay(drawn["decay_epochs"])
    return Setting(drawn["l1"] or 0.0, decay, drawn["dropout"] or 0.0)


def optuna_search(
    problem: Problem,
    seed: int,
    *,
    sampler: Callable[..., optuna.samplers.BaseSampler],
    pruner: Callable[[], optuna.pruners.BasePruner] = optuna.pruners.NopPruner,
    trials: int = 64,
) -> Found:
    """Search with Optuna; the best is the best of the trials that were not pruned."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    start = time.perf_counter()
    best: Trained | None = None
    epochs = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal best

        def report(epoch: int, loss: float) -> None:
            nonlocal epochs
            epochs += 1
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        exact = sampler is optuna.samplers.RandomSampler
        trained = train(problem, suggest(problem, trial, exact=exact), seed, report)
        if best is None or trained.loss < best.loss:
            best = trained
        return trained.loss

    study = optuna.create_study(sampler=sampler(seed=seed), pruner=pruner())
    study.optimize(objective, n_trials=min(trials, problem.most_trials))
    seconds = time.perf_counter() - start
    assert best is not None
    assert best.loss == study.best_value
    return finish(problem, best, seed, seconds, trainings=epochs / problem.epochs)


def ray_trial(drawn: dict[str, float | None], problem: Problem, seed: int) -> None:
    """Train once as a trial of Ray Tune, with a checkpoint at each new best epoch."""
    from ray import tune

    torch.set_num_threads(1)
    training = Training(problem, _setting(problem, drawn), problem.train, seed)
    best = float("inf")
    for epoch in range(1, problem.epochs + 1):
        training.epoch()
        loss = training.loss(problem.validation)
        if loss >= best:
            tune.report({"loss": loss, "epoch": epoch})
            continue
        best = loss
        with tempfile.TemporaryDirectory() as folder:
            torch.save(training.network.state_dict(), Path(folder, "best.pt"))
            tune.report(
                {"loss": loss, "epoch": epoch}, checkpoint=tune.Checkpoint.from_directory(folder)
            )


def ray_search(problem: Problem, seed: int, *, trials: int = 64) -> Found:
    """Search with Ray Tune's ASHA, one trial at a time; starting Ray itself is not counted."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AIR_NEW_OUTPUT": "0"}
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    before = time.perf_counter()
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    rng = np.random.default_rng(seed)
    space = {name: tune.sample_from(lambda _, a=axis: a.draw(rng)) for name, axis in SPACE.items()}
    scheduler = ASHAScheduler(max_t=problem.epochs, grace_period=1, reduction_factor=4)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        tuner = tune.Tuner(
            tune.with_parameters(ray_trial, problem=problem, seed=seed),
            param_space=space,
            tune_config=tune.TuneConfig(
                metric="loss",
                mode="min",
                scheduler=scheduler,
                num_samples=min(trials, problem.most_trials),
                max_concurrent_trials=1,
                reuse_actors=True,  # otherwise each trial waits for a new process and its imports
            ),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(
                    num_to_keep=1, checkpoint_score_attribute="loss", checkpoint_score_order="min"
                ),
            ),
        )
        results = tuner.fit()
        chosen = results.get_best_result(scope="all")
        checkpoint, metrics = min(chosen.best_checkpoints, key=lambda pair: pair[1]["loss"])
        state = torch.load(Path(checkpoint.path, "best.pt"))
        seconds = time.perf_counter() - start
        last = [result.metrics for result in results]
    ray.shutdown()
    time.sleep(3)  # its processes end a little later, and the next training is timed
    best = Trained(_setting(problem, chosen.config), metrics["loss"], metrics["epoch"], state)
    extra = {
        "trainings": sum(line["training_iteration"] for line in last) / problem.epochs,
        "start_seconds": start - before,
        "trial_seconds": sum(line["time_total_s"] for line in last),
    }
    return finish(problem, best, seed, seconds, **extra)


TPE, RANDOM = optuna.samplers.TPESampler, optuna.samplers.RandomSampler
HYPERBAND = partial(optuna.pruners.HyperbandPruner, min_resource=1, max_resource=60)
METHODS: dict[str, Method] = {
    "untreated": untreated,
    "optuna-random-12": partial(optuna_search, sampler=RANDOM, trials=12),
    "optuna-random-64": partial(optuna_search, sampler=RANDOM),
    "optuna-tpe-64": partial(optuna_search, sampler=TPE),
    "optuna-tpe-64-median": partial(optuna_search, sampler=TPE, pruner=optuna.pruners.MedianPruner),
    "optuna-tpe-64-hyperband": partial(optuna_search, sampler=TPE, pruner=HYPERBAND),
    **({"ray-asha-64": ray_search} if find_spec("ray") else {}),
}
SLOW = ("optuna-random-64", "ray-asha-64")
