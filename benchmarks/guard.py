"""When may a setting replace the untreated network? Searches are recorded, rules replayed.

    python benchmarks/guard.py [--sets credit_g car] [--first-seed 20] [--seeds 3] [--nets 2x64]

A record is a whole default search of fitwell, but that every finalist is trained on all folds:
what it lost on every held-out row of every cut, and what it and its refit lose on the test rows.
Each is one .npz file in --out; a command that was cut goes on where it was. Then every rule of
`RULES` chooses from every record; "raced" leaves out whom it would not train on all folds:

- worse, better: choices whose test log-loss lies more than one paired standard error of the
  test rows above or below that of the untreated network; the same of their refits, against
  the untreated network's refit. Behind the first, the largest share that is not ruled out
  (95 %, one-sided, exact).
- gain: test log-loss minus the untreated network's, mean over the tables of means over the
  seeds, ± the standard error over the tables.

A rule that was picked by these figures is flattered by them: test it on seeds that had no say.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import beta
from search import NETS, REPOSITORY, SETS, by_row
from search_fitwell import refit, search, train
from search_problem import Net, Problem, load_problem
from search_table import clustered

from fitwell.statistics import standard_error
from fitwell.tuning.choice import Folds, Guard

Place = tuple[str, str, int]  # data set, network, seed
RULES = {
    "the lowest mean wins": (Guard(rows=0, folds=0, share=0), False),
    "1 of the rows": (Guard(rows=1, folds=0, share=0), False),
    "1 of the rows, 2 %": (Guard(rows=1, folds=0, share=0.02), False),
    "2 of the rows, 2 %": (Guard(rows=2, folds=0, share=0.02), False),
    "1.5 of rows and folds, 2 %": (Guard(rows=1.5, folds=1.5, share=0.02), False),
    "1.5 of the rows, 3 %": (Guard(rows=1.5, folds=0, share=0.03), False),
    "1.5 of rows, 1 of folds, 3 %": (Guard(rows=1.5, folds=1, share=0.03), False),
    "the same, raced": (Guard(rows=1.5, folds=1, share=0.03), True),
}


@dataclass(frozen=True)
class Plan:
    """What is to be recorded, and where the records lie."""

    sets: tuple[str, ...]
    seeds: range
    nets: tuple[str, ...]
    data: Path
    out: Path


@dataclass(frozen=True)
class Record:
    """One search. The untreated network is the finalist at place 0.

    Attributes:
        losses: of every finalist on the held-out rows, ``[finalists, rows]``.
        fold: of each row.
        complexity: of each finalist.
        choice: of every finalist's network on the test rows, ``[finalists, rows]``.
        refit: the same of its refit.
    """

    losses: NDArray[np.float64]
    fold: NDArray[np.int64]
    complexity: NDArray[np.int64]
    choice: NDArray[np.float64]
    refit: NDArray[np.float64]

    def chosen(self, guard: Guard, raced: bool) -> int:
        """Say which finalist a guard lets pass."""
        everyone = range(len(self.losses))
        left = self._table(guard, everyone, self.fold < 2).ahead() if raced else everyone
        return self._table(guard, left, self.fold < 4).choose()

    def _table(self, guard: Guard, finalists: Iterable[int], rows: NDArray[np.bool_]) -> Folds:
        return Folds(
            losses={number: self.losses[number][rows] for number in finalists},
            fold=self.fold[rows],
            complexity=dict(enumerate(self.complexity.tolist())),
            guard=guard,
        )


def record(problem: Problem) -> Record:
    """Run a search, and let every finalist and its refit speak about the test rows."""
    with mock.patch.object(Folds, "ahead", lambda table: list(table.losses)):
        found = search(problem, problem.seed)
    plain, losses = found.finalists[0], found.table.losses
    trials = {trial.number: trial for trial in found.trials}
    recipes = {str(recipe.differences(plain)): recipe for recipe in found.finalists}
    choice, refitted = [], []
    for trial in (trials[number] for number in losses):
        recipe = recipes[str(trial.settings)]
        rows = by_row(
            train(problem, recipe, problem.seed),
            refit(problem, recipe, trial.best_epoch, problem.seed),
            problem.task.targets(problem.task.split.test),
        )
        choice.append(rows["choice_loss"])
        refitted.append(rows["refit_loss"])
    return Record(
        losses=np.array(list(losses.values())),
        fold=found.table.fold,
        complexity=np.array([found.table.complexity[number] for number in losses]),
        choice=np.array(choice),
        refit=np.array(refitted),
    )


def kept(place: Place, plan: Plan) -> Path:
    """Name the file of a record."""
    return plan.out / "{}-{}-{}.npz".format(*place)


def run(plan: Plan) -> dict[Place, Record]:
    """Record what is missing; give all records of the plan."""
    plan.out.mkdir(parents=True, exist_ok=True)
    found: dict[Place, Record] = {}
    for seed, net, name in product(plan.seeds, plan.nets, plan.sets):
        place = (name, net, seed)
        file = kept(place, plan)
        if not file.exists():
            one = record(load_problem(plan.data, name, seed, Net.named(net)))
            whole = file.with_suffix(".part")
            with whole.open("wb") as opened:
                np.savez_compressed(opened, **vars(one))
            whole.replace(file)
            print(f"{name} {net} seed {seed}: {len(one.losses)} finalists", flush=True)
        found[place] = Record(**np.load(file))
    return found


def worse_and_better(found: Sequence[NDArray[np.float64]]) -> tuple[int, int]:
    """Count the differences of rows whose mean lies a standard error above 0, and below."""
    above = [rows.mean() / max(standard_error(rows)[0], 1e-15) for rows in found]
    return sum(one > 1 for one in above), sum(one < -1 for one in above)


def line(rule: tuple[Guard, bool], records: dict[Place, Record]) -> list[str]:
    """Replay a rule; give a row of the table."""
    chosen = {place: one.chosen(*rule) for place, one in records.items()}
    cells, means = [], []
    for part in ("choice", "refit"):
        rows = {
            p: getattr(one, part)[chosen[p]] - getattr(one, part)[0] for p, one in records.items()
        }
        worse, better = worse_and_better(list(rows.values()))
        most = beta.ppf(0.95, worse + 1, len(rows) - worse) if worse < len(rows) else 1.0
        cells.append(f"{worse}, {better}" + (f" (<= {most:.1%})" if part == "choice" else ""))
        by_table: dict[str, list[float]] = defaultdict(list)
        for (name, _, _), difference in rows.items():
            by_table[name].append(float(difference.mean()))
        mean, error = clustered(by_table)
        means.append(f"{mean:+.4f} ± {error:.4f}")
    return [*cells, *means]


def print_table(records: dict[Place, Record]) -> None:
    """Print what every rule comes to, network by network and for all."""
    heads = ["", "worse, better", "refits", "gain", "gain of refits"]
    nets = list(dict.fromkeys(net for _, net, _ in records))
    for net in [*nets, "all"] if len(nets) > 1 else nets:
        own = {place: one for place, one in records.items() if net in ("all", place[1])}
        print(f"\n{net}: {len(own)} searches")
        rows = [heads, *([name, *line(rule, own)] for name, rule in RULES.items())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *rest in rows:
            cells = [f"{cell:>{w}}" for cell, w in zip(rest, widths[1:], strict=True)]
            print("  ".join([f"{first:{widths[0]}}", *cells]).rstrip())


def parse() -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--first-seed", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--nets", nargs="+", default=NETS)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "benchmarks/results/guard")
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    return Plan(tuple(given.sets), seeds, tuple(given.nets), given.data, given.out)


def main() -> None:
    """Record what is missing, then print the tables."""
    torch.set_num_threads(1)
    print_table(run(parse()))


if __name__ == "__main__":
    main()
