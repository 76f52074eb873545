"""What a search for L1, weight decay and dropout costs and brings, beside the peers' searches.

For each data set, seed and network all methods get the same split, the same encoded arrays,
the same space, 60 epochs at most, batches of 128, a constant learning rate of 0.001, and one
thread. The price of a search is its wall-clock in ordinary single trainings: the median of
three, one before the search and two after it.

    python benchmarks/search.py [--quick] [--sets credit_g car] [--seeds 3] [--nets 2x64]

Results are appended to --out, one JSON line each; a run that was cut goes on where it was.
The losses of single test rows lie beside it, in a folder of .npz files. The tables are
explained in `search_table.py`, which prints them too.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from search_peers import METHODS as PEERS
from search_peers import SLOW, Setting, train
from search_problem import Method, Net, Problem, load_problem
from search_table import BASE, Line, print_tables, read

REPOSITORY = Path(__file__).resolve().parents[1]
SETS = ("credit_g", "segment", "kc1", "vehicle", "phoneme", "kr_vs_kp", "car", "cnae9")
QUICK = ("blood_transfusion", "credit_g", "vehicle")
NETS = ("2x64", "2x128", "3x256")
Losses = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Plan:
    """What is to be run, and where the results go."""

    sets: tuple[str, ...]
    seeds: range
    nets: tuple[str, ...]
    methods: dict[str, Method]
    data: Path
    out: Path
    trials: int

    def missing(self, done: Iterable[Line]) -> Iterator[tuple[str, int, str, list[str]]]:
        """Give what the results lack: whole seeds first, so that a cut run is balanced."""
        there = {(line["set"], line["seed"], line["net"], line["method"]) for line in done}
        for seed, net, name in product(self.seeds, self.nets, self.sets):
            lacking = [m for m in self.methods if (name, seed, net, m) not in there]
            if lacking:
                yield name, seed, net, lacking

    def wanted(self, line: Line) -> bool:
        """Say whether a result belongs to this plan."""
        return (
            line["set"] in self.sets
            and line["seed"] in self.seeds
            and line["net"] in self.nets
            and line["method"] in self.methods
        )

    def rows_file(self, name: str, seed: int, net: str, method: str) -> Path:
        """Name the file of a result's single rows."""
        return self.out.with_suffix(".rows") / f"{name}-{seed}-{net}-{method}.npz"


def all_methods() -> dict[str, Method]:
    """Give the peers' methods, and fitwell's where they are there."""
    ours: dict[str, Method] = {}
    if find_spec("search_fitwell"):
        from search_fitwell import METHODS as ours
    return {**PEERS, **ours}


def unit(problem: Problem, seed: int) -> float:
    """Time one ordinary single training."""
    start = time.perf_counter()
    train(problem, Setting(), seed)
    return time.perf_counter() - start


def by_row(
    choice: NDArray[np.floating], refit: NDArray[np.floating], target: NDArray[np.int64]
) -> Losses:
    """Give log-loss and hit of each test row, for a choice and its refit."""
    rows: Losses = {}
    for part, outputs in (("choice", choice), ("refit", refit)):
        rows[f"{part}_loss"] = row_losses(outputs, target)
        rows[f"{part}_hit"] = outputs.argmax(axis=1) == target
    return rows


def row_losses(outputs: NDArray[np.floating], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the log-loss of each test row."""
    own = outputs[np.arange(len(target)), target].astype(np.float64)
    return -np.log(np.clip(own, 1e-15, 1.0))


def summary(rows: Losses, part: str, single: NDArray[np.float64]) -> dict[str, Any]:
    """Summarize one network, beside the losses of the untreated single training."""
    loss, hit = rows[f"{part}_loss"], rows[f"{part}_hit"]
    above = loss - single
    error = above.std(ddof=1) / np.sqrt(len(above))
    return {
        "loss": float(loss.mean()),
        "accuracy": float(hit.mean()),
        "worse": bool(above.mean() > error),
    }


def measure(plan: Plan, problem: Problem, net: str, method: str) -> Line:
    """Run one search and write its single rows."""
    seed = problem.seed
    units = [unit(problem, seed)]
    found = plan.methods[method](problem, seed)
    units += [unit(problem, seed), unit(problem, seed)]
    target = problem.task.targets(problem.task.split.test)
    rows = by_row(found.choice, found.refit, target)
    file = plan.rows_file(problem.name, seed, net, method)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, **rows)
    if found.untreated is None:
        own = dict(np.load(plan.rows_file(problem.name, seed, net, BASE)))
    else:
        own = by_row(*found.untreated, target)
    single = own["choice_loss"]
    return {
        "set": problem.name,
        "seed": seed,
        "net": net,
        "method": method,
        "price": found.seconds / statistics.median(units),
        "seconds": found.seconds,
        "unit": statistics.median(units),
        "units": units,
        "choice": summary(rows, "choice", single),
        "refit": summary(rows, "refit", single),
        "untreated": {part: summary(own, part, single) for part in ("choice", "refit")},
        "settings": found.settings,
        "extra": found.extra,
        "most_trials": problem.most_trials,
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }


def run(plan: Plan) -> list[Line]:
    """Run what is missing; give all results that belong to the plan."""
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    done = read(plan.out)
    _drop_cut_line(plan.out)
    warm = False
    for name, seed, net, lacking in plan.missing(done):
        problem = load_problem(plan.data, name, seed, Net.named(net), most_trials=plan.trials)
        if not warm:
            unit(problem, seed)  # the first training of a process is slower
            warm = True
        for method in lacking:
            line = measure(plan, problem, net, method)
            with plan.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            done.append(line)
            print(
                f"{name} seed {seed} {net} {method}: {line['seconds']:.1f} s, price"
                f" {line['price']:.2f}, test log-loss {line['choice']['loss']:.4f}, refit"
                f" {line['refit']['loss']:.4f}",
                flush=True,
            )
    return sorted(
        filter(plan.wanted, done), key=lambda line: list(plan.methods).index(line["method"])
    )


def _drop_cut_line(path: Path) -> None:
    """Cut off what was written of a line when a run was ended."""
    if path.exists() and not (text := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(text[: text.rfind(b"\n") + 1])


def parse() -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="3 small sets, 1 seed, 2x64, no slow peers"
    )
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--seeds", type=int, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--nets", nargs="+", help="such as 2x64, 2x64-tanh or 2x64-gelu-norm")
    parser.add_argument("--methods", nargs="+", help="those of them; untreated is always run")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--trials", type=int, default=64, help=argparse.SUPPRESS)
    given = parser.parse_args()
    methods = all_methods()
    chosen = given.methods or [m for m in methods if not (given.quick and m in SLOW)]
    sets = given.sets or (QUICK if given.quick else SETS)
    tables = [file.name.split(".")[0] for file in given.data.glob("*.csv.gz")]
    if not tables:
        parser.error(f"--data: no .csv.gz in {given.data}. Name the folder of the data sets.")
    for option, names, known in (
        ("--methods", chosen, methods),
        ("--sets", sets, tables),
    ):
        if unknown := sorted(set(names) - set(known)):
            parser.error(f"{option}: no {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if "ray-asha-64" not in methods:
        print('ray-asha-64 is left out: Ray is not installed (pip install "ray[tune]")')
    seeds = given.seeds or (1 if given.quick else 3)
    name = "search-quick.jsonl" if given.quick else "search.jsonl"
    plan = Plan(
        sets=tuple(sets),
        seeds=range(given.first_seed, given.first_seed + seeds),
        nets=tuple(given.nets or (NETS[:1] if given.quick else NETS)),
        methods={m: methods[m] for m in methods if m == BASE or m in chosen},
        data=given.data,
        out=given.out or REPOSITORY / "benchmarks" / "results" / name,
        trials=given.trials,
    )
    if any(line["most_trials"] != plan.trials for line in read(plan.out)):
        parser.error(f"--out: {plan.out} holds searches with another --trials. Choose another.")
    return plan


def main() -> None:
    """Run what is missing, then print the tables."""
    torch.set_num_threads(1)
    plan = parse()
    print(f"torch {torch.__version__}, one thread, results in {plan.out}")
    print_tables(run(plan))


if __name__ == "__main__":
    main()
