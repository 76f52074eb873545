"""The tables of `search.py`, from its file of results.

    python benchmarks/search_table.py FILE

For each network, a line per method:

- price: wall-clock of the search, in ordinary single trainings; median and range.
- choice - single: test log-loss (or accuracy, in points) of the chosen network minus that
  of the untreated one, both at their best epoch. The untreated network is trained by the
  same code, from the same initial weights and with the same batches as the chosen one.
- refit - single, refit - refit: the same of the choice trained anew on training and
  validation rows, minus the untreated network without and with that.
- worse: share of runs whose test log-loss is above that of the untreated single training
  by more than one paired standard error over test rows; of the choice and of its refit.
  Without any difference 16 % are to be expected.

Differences are means over data sets of the means over seeds; behind ± is the standard error
over data sets.
"""

import argparse
import json
import math
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

Line = dict[str, Any]
BASE = "untreated"
CONTRASTS = (
    ("choice - single", "choice", "choice"),
    ("refit - single", "refit", "choice"),
    ("refit - refit", "refit", "refit"),
)


def read(path: Path) -> list[Line]:
    """Read the results; a last line that was cut off is not one."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def clustered(differences: dict[str, list[float]]) -> tuple[float, float]:
    """Give the mean over data sets, and its standard error; nan for one data set.

    >>> clustered({"a": [1.0, 3.0], "b": [4.0]})
    (3.0, 1.0)
    """
    means = [statistics.fmean(values) for values in differences.values()]
    if len(means) < 2:
        return means[0], math.nan
    return statistics.fmean(means), statistics.stdev(means) / math.sqrt(len(means))


def contrast(lines: list[Line], ours: str, theirs: str) -> str:
    """Format a mean difference; ``ours`` and ``theirs`` are paths such as ``choice.loss``."""
    scale, digits = (100, 2) if ours.endswith("accuracy") else (1, 4)
    differences: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        gain = _value(line, ours) - _value(line["untreated"], theirs)
        differences[line["set"]].append(scale * gain)
    mean, error = clustered(differences)
    spread = "?" if math.isnan(error) else f"{error:.{digits}f}"
    return f"{mean:+.{digits}f} ± {spread}"


def _value(line: Line, path: str) -> float:
    part, name = path.split(".")
    return line[part][name]


def table(lines: list[Line], name: str, title: str) -> list[list[str]]:
    """Give the rows of one table; ``name`` is ``loss`` or ``accuracy``."""
    rows = [[title, "runs", "price", *(head for head, _, _ in CONTRASTS)]]
    for method in dict.fromkeys(line["method"] for line in lines):
        own = [line for line in lines if line["method"] == method]
        cells = [
            contrast(own, f"{one}.{name}", f"{other}.{name}")
            if method != BASE or one != other
            else "0"
            for _, one, other in CONTRASTS
        ]
        rows.append([method, str(len(own)), _price(own), *cells])
        if name == "loss":
            shares = [_share(own, part) if method != BASE else "" for part in ("choice", "refit")]
            rows[-1] += shares
    if name == "loss":
        rows[0] += ["worse", "refit worse"]
    return rows


def _price(lines: list[Line]) -> str:
    prices = [line["price"] for line in lines]
    return f"{statistics.median(prices):.2f} [{min(prices):.2f}, {max(prices):.2f}]"


def _share(lines: list[Line], part: str) -> str:
    return f"{sum(line[part]['worse'] for line in lines)}/{len(lines)}"


def remarks(lines: list[Line]) -> list[str]:
    """Say what else the results hold: the share of the peak, and how the estimate did.

    The estimate speaks of the chosen recipe's networks on new rows, and so does the test part;
    their difference is that of two means, so its expectation is 0.
    """
    found = []
    for method in dict.fromkeys(line["method"] for line in lines):
        own = [line for line in lines if line["method"] == method]
        shares = [
            line["extra"]["share_of_peak"] for line in own if "share_of_peak" in line["extra"]
        ]
        if shares:
            low, high = min(shares), max(shares)
            found.append(
                f"{method}: the whole search reaches {statistics.median(shares):.0%}"
                f" [{low:.0%}, {high:.0%}] of the peak of matrix products"
            )
        for said in ("estimate", "promised"):
            errors: dict[str, list[float]] = defaultdict(list)
            for line in own:
                if line["extra"].get(said) is not None:
                    errors[line["set"]].append(line["extra"][said] - line["choice"]["loss"])
            if errors:
                mean, error = clustered(errors)
                found.append(f"{method}: {said} - test log-loss {mean:+.4f} ± {error:.4f}")
    return found


def print_tables(lines: list[Line]) -> None:
    """Print two tables per network."""
    for net in dict.fromkeys(line["net"] for line in lines):
        own = [line for line in lines if line["net"] == net]
        sets = sorted({line["set"] for line in own})
        single = [line["unit"] for line in own if line["method"] == BASE]
        print(
            f"\n{net}, on {', '.join(sets)}; a single training takes {min(single):.2f} to"
            f" {max(single):.2f} s"
        )
        for name, title in (("loss", "test log-loss"), ("accuracy", "accuracy, points")):
            rows = table(own, name, title)
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            print()
            for first, *rest in rows:
                cells = [f"{cell:>{w}}" for cell, w in zip(rest, widths[1:], strict=True)]
                print("  ".join([f"{first:{widths[0]}}", *cells]).rstrip())
        print()
        for remark in remarks(own):
            print(remark)


def main() -> None:
    """Print the tables of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    print_tables(read(parser.parse_args().file))


if __name__ == "__main__":
    main()
