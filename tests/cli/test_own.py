"""An optimizer and a loss of the user's own from the command line; what cannot work is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOSSES = """
import torch
from torch.nn import functional as F
def focal(o, t):
    losses = F.cross_entropy(o, t, reduction="none")
    return (1 - torch.exp(-losses)) ** 2 * losses
def mean(o, t): return F.cross_entropy(o, t)
def nan(o, t): return F.cross_entropy(o, t, reduction="none") * float("nan")
def number(o, t): return 3.0
def plain(o, t): return F.cross_entropy(o.detach(), t, reduction="none")
def root(o, t): return (o[:, 0] * 0).sqrt()
def broken(o, t): return o @ t
class Strange:
    def __init__(self, params, lr): ...
three = 3
"""

CASES = {
    "an optimizer that torch lacks": (
        ["--optimizer", "sdg"],
        "--optimizer is 'sdg', but a class of torch.optim or module:Class is expected. Did you mean SGD?",
    ),
    "an optimizer in the wrong letters": (
        ["--optimizer", "sgd"],
        "--optimizer is 'sgd', but a class of torch.optim or module:Class is expected. Did you mean SGD?",
    ),
    "an optimizer that cannot be imported": (
        ["--optimizer", "not_there:Class"],
        "--optimizer not_there:Class cannot be imported: ModuleNotFoundError: No module named 'not_there'. Write module:Class, with the module on the Python path or in this folder.",
    ),
    "an optimizer that is none": (
        ["--optimizer", "mylosses:Strange"],
        "--optimizer mylosses:Strange returned Strange, but a torch.optim.Optimizer is expected. Name a class of them.",
    ),
    "an argument that the optimizer lacks": (
        ["--optimizer", "SGD", "--optimizer-args", "momentun=0.9"],
        "--optimizer-args: SGD has no argument 'momentun'. Did you mean momentum?",
    ),
    "the learning rate as an argument": (
        ["--optimizer", "SGD", "--optimizer-args", "lr=0.9"],
        "--optimizer-args: lr is the learning rate. Give it to --learning-rate instead.",
    ),
    "an argument out of range": (
        ["--optimizer", "SGD", "--optimizer-args", "momentum=-1"],
        "--optimizer SGD(momentum=-1) cannot be made: ValueError: Invalid momentum value: -1. Change --optimizer-args, or use another optimizer.",
    ),
    "arguments without names": (
        ["--optimizer", "SGD", "--optimizer-args", "0.9"],
        "--optimizer-args is '0.9', but names and values with commas are expected, such as momentum=0.9,nesterov=true.",
    ),
    "an optimizer that needs more than gradients": (
        ["--optimizer", "LBFGS"],
        "--optimizer LBFGS cannot take a step: TypeError: LBFGS.step() missing 1 required positional argument: 'closure'. Use one that needs gradients only.",
    ),
    "a path of L1 by an optimizer without a metric": (
        ["--optimizer", "Adagrad", "--path", "l1"],
        "--path l1 needs SGD, Adam, AdamW or RMSprop, but --optimizer is Adagrad. Use one of them, or trace l2 or dropout.",
    ),
    "a loss without a module": (
        ["--loss", "focal"],
        "--loss is 'focal', but module:function is expected, for example --loss mylosses:focal.",
    ),
    "a loss that is not there": (
        ["--loss", "mylosses:three"],
        "--loss mylosses:three: module mylosses has no callable 'three'. It has focal, mean, nan, number, plain, root, broken, Strange.",
    ),
    "a mean loss": (
        ["--loss", "mylosses:mean"],
        '--loss mylosses:mean gives () for 8 rows, but (8,) is expected: one loss per row. Leave out the mean, as torch does with reduction="none".',
    ),
    "a loss that is no tensor": (
        ["--loss", "mylosses:number"],
        '--loss mylosses:number gives float for 8 rows, but (8,) is expected: one loss per row. Leave out the mean, as torch does with reduction="none".',
    ),
    "a loss that is NaN": (
        ["--loss", "mylosses:nan"],
        "--loss mylosses:nan is nan on one of the first 8 training rows, but finite numbers are expected. Guard logarithms, roots and divisions.",
    ),
    "a loss without a gradient": (
        ["--loss", "mylosses:plain"],
        "--loss mylosses:plain has no gradient. Compute it from the outputs with torch, without detach, item or NumPy.",
    ),
    "a loss whose gradient is infinite": (
        ["--loss", "mylosses:root"],
        "--loss mylosses:root has a gradient that is infinite or NaN on the first 8 training rows. Guard logarithms, roots and divisions.",
    ),
    "a loss that cannot be computed": (
        ["--loss", "mylosses:broken"],
        "--loss mylosses:broken cannot be computed: RuntimeError: size mismatch, got input (8), mat (8x2), vec (8). It is called with the outputs [rows, classes] and the class numbers [rows].",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def losses(monkeypatch):
    Path("mylosses.py").write_text(LOSSES)
    monkeypatch.syspath_prepend(str(Path().absolute()))
    monkeypatch.delitem(sys.modules, "mylosses", raising=False)


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_work_is_refused_before_anything_is_trained(fitwell, table, quick, case):
    options, message = CASES[case]
    result = fitwell("tune", table, "--target", "bought", "--out", "run", *quick, *options)
    assert result.stderr == f"fitwell: {message}\n"
    assert result.exit_code == 2
    assert result.stdout == ""
    assert not Path("run").exists()


@pytest.mark.slow
def test_a_run_with_both_says_how_it_was_trained_and_needs_the_same_to_go_on(table, quick):
    def run(*options):
        """In a process of its own: workers of an earlier run would not know this folder."""
        code = "from fitwell.cli import main; main()"
        given = ("tune", table, "--target", "bought", "--out", "run", *quick, "--verbose", *options)
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, given)], capture_output=True, text=True
        )

    own = ("--optimizer", "SGD", "--optimizer-args", "momentum=0.9,nesterov=true",
           "--loss", "mylosses:focal", "--workers", 2)  # fmt: skip
    done = run(*own)
    assert done.returncode == 0, done.stderr
    assert "treatment: each training by itself: the loss is your own\n" in done.stderr
    asked = json.loads(Path("run/run.json").read_text())["options"]
    assert (asked["optimizer"], asked["loss"]) == ("SGD", "mylosses:focal")
    assert asked["optimizer_args"] == "momentum=0.9,nesterov=true"
    other = run("--resume")
    assert other.stderr == (
        "fitwell: --resume: run was begun with optimizer = 'SGD', not 'Adam'. Repeat the first"
        " command, or choose another --out.\n"
    )
