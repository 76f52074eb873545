"""Which search's choice is better, once the luck of a single refit is taken out?

`search.py` refits each choice once. Here every choice in its results is refitted under ten
other seeds, by the trainer it came from, on the same training and validation rows and for its
own number of epochs; the mean test log-loss of the ten is what the choice is worth.

    python benchmarks/refits.py benchmarks/results/search.jsonl [--methods optuna-tpe-64 fitwell]

Results are appended to --out, one JSON line each; a run that was cut goes on where it was.
The table gives, for each network and method,

- refit - refit: the mean test log-loss minus that of the untreated network, which the same
  trainer refits under the same seeds; of fitwell's untreated network, minus the peers';
- minus RIVAL: the same minus the rival's, of the same table and seed;
- at most: the upper end of a one-sided 97.5 % interval of that difference, by Student's t with
  the tables as clusters: where it lies below .003 the method is not inferior by .003. Each
  is for itself; they are not corrected for being several.
"""

import argparse
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import search_fitwell
import search_peers
import torch
from numpy.typing import NDArray
from scipy import stats
from search import REPOSITORY, row_losses
from search_problem import Net, Problem, load_problem
from search_table import BASE, Line, clustered, read

OURS, WHOLE = tuple(search_fitwell.METHODS), "fitwell"
OUR_BASE = f"{BASE}, fitwell's trainer"
FIRST_SEED = 1000
"""The searches' seeds are small numbers, and none of theirs is used again."""


def of_peers(problem: Problem, settings: dict[str, Any], seeds: range) -> list[NDArray[np.float64]]:
    """Refit a choice of a peer's."""
    strengths = dict(settings)
    epochs = strengths.pop("epochs")
    setting = search_peers.Setting(**strengths)
    networks = (search_peers.refit(problem, setting, epochs, seed) for seed in seeds)
    return [search_peers.probabilities(problem, network) for network in networks]


def jobs(lines: list[Line]) -> list[tuple[Line, str]]:
    """Give what is to be refitted, under the name of its method; each trainer's plain one too."""
    found = []
    for line in lines:
        found.append((line, line["method"]))
        if line["method"] == WHOLE:
            found.append((line, OUR_BASE))
    return found


def run(lines: list[Line], repeats: int, data: Path, out: Path) -> list[Line]:
    """Refit what is missing; give all results."""
    out.parent.mkdir(parents=True, exist_ok=True)
    done = read(out)
    there = {_key(line, line["method"]) for line in done}
    seeds = range(FIRST_SEED, FIRST_SEED + repeats)
    for line, name in jobs(lines):
        if _key(line, name) in there:
            continue
        there.add(_key(line, name))
        problem = load_problem(data, line["set"], line["seed"], Net.named(line["net"]))
        if name == OUR_BASE:
            outputs = search_fitwell.refits(problem, {}, line["extra"]["untreated_epochs"], seeds)
        elif name in OURS:
            outputs = search_fitwell.refits(
                problem, line["settings"], line["extra"]["epochs"], seeds
            )
        else:
            outputs = of_peers(problem, line["settings"], seeds)
        target = problem.task.targets(problem.task.split.test)
        losses = [float(row_losses(each, target).mean()) for each in outputs]
        result = {key: line[key] for key in ("set", "seed", "net")} | {
            "method": name,
            "losses": losses,
        }
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        done.append(result)
        print(*_key(line, name), f"{np.mean(losses):.4f} ± {np.std(losses):.4f}", flush=True)
    return done


def _key(line: Line, name: str) -> tuple[str, str, int, str]:
    return line["net"], line["set"], line["seed"], name


def print_tables(lines: list[Line], rival: str) -> None:
    """Print a table per network."""
    worth = {_key(line, line["method"]): float(np.mean(line["losses"])) for line in lines}
    for net in dict.fromkeys(line["net"] for line in lines):
        print(f"\n{net}, test log-loss of refits")
        for method in dict.fromkeys(line["method"] for line in lines):
            base = OUR_BASE if method in OURS else BASE
            own = [line for line in lines if line["net"] == net and line["method"] == method]
            gain, _ = difference(own, worth, method, base)
            beside, bound = difference(own, worth, method, rival)
            print(f"{method:28} {len(own):3}  {gain}  minus {rival} {beside}, at most {bound}")


def difference(
    lines: list[Line], worth: dict[tuple[str, str, int, str], float], method: str, other: str
) -> tuple[str, str]:
    """Format a mean difference over the tables, and its one-sided bound.

    >>> lines = [{"net": "2x64", "seed": 0, "set": name} for name in "ab"]
    >>> gains = {("2x64", name, 0, "own"): gain for name, gain in (("a", 0.1), ("b", 0.3))}
    >>> others = {("2x64", name, 0, "other"): 0.0 for name in "ab"}
    >>> difference(lines, {**gains, **others}, "own", "other")  # 0.2 + 12.706 * 0.1
    ('+0.2000 ± 0.1000', '+1.4706')
    """
    found: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        if (there := worth.get(_key(line, other))) is not None:
            found[line["set"]].append(worth[_key(line, method)] - there)
    if not found:
        return "?", "?"
    mean, error = clustered(found)
    if math.isnan(error):
        return f"{mean:+.4f}", "?"
    bound = mean + stats.t.ppf(0.975, len(found) - 1) * error
    return f"{mean:+.4f} ± {error:.4f}", f"{bound:+.4f}"


def main() -> None:
    """Refit what is missing, then print the tables."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="results of search.py")
    parser.add_argument("--methods", nargs="+", help="those of them; all, where none is named")
    parser.add_argument("--nets", nargs="+")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--rival", default="optuna-tpe-64")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY / "benchmarks" / "results" / "refits.jsonl"
    )
    given = parser.parse_args()
    lines = [
        line
        for file in given.files
        for line in read(file)
        if (given.methods is None or line["method"] in given.methods)
        and (given.nets is None or line["net"] in given.nets)
    ]
    if any("epochs" not in line["extra"] for line in lines if line["method"] in OURS):
        parser.error("files: fitwell's searches there do not say their epochs. Search anew.")
    if any(len(line["losses"]) != given.repeats for line in read(given.out)):
        parser.error(f"--out: {given.out} holds other --repeats. Choose another.")
    print_tables(run(lines, given.repeats, given.data, given.out), given.rival)


if __name__ == "__main__":
    main()
