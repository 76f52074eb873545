"""The options of the command line, grouped by what they are about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Stack several options into one decorator, first on top."""

    def apply(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


output_options = options(
    click.option("--out", type=click.Path(path_type=Path), help="Run folder to make."),
    click.option("--resume", is_flag=True, help="Go on with a run that was cut off."),
    click.option("--force", is_flag=True, help="Replace the run folder if it exists."),
    click.option(
        "--workers",
        type=int,
        default=0,
        help="Processes that train [one per core, at most 8; 1 on a GPU].",
    ),
    click.option(
        "--lang", type=click.Choice(["en", "ko"]), default="en", help="Report's language."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print result.json and nothing else."),
    click.option(
        "--log",
        multiple=True,
        metavar="LOGGER:PLACE",
        help="tensorboard:FOLDER or mlflow:FOLDER_OR_ADDRESS; repeatable.",
    ),
    click.option("--quiet", is_flag=True, help="No progress."),
    click.option("--verbose", is_flag=True, help="Say how each search was run, and why so."),
)

compare_options = options(
    click.option(
        "--resamples",
        type=int,
        default=-1,
        help="Outer splits on which every arm is tuned and judged anew; 0 for none [10].",
    ),
    click.option(
        "--arms",
        default="",
        metavar="FILE",
        help="Arms of your own, in YAML: names, remedies, settings.",
    ),
)

ray_option = click.option(
    "--ray",
    metavar="auto|HOST:PORT",
    help="Train on a Ray cluster that runs already, and not with --workers.",
)

data_options = options(
    click.argument("data"),
    click.option("--target", help="Column to predict (tables)."),
    click.option("--test", help="FILE with the test rows; otherwise 20 % are set aside."),
    click.option("--group", help="Column: rows of one patient or customer stay together."),
    click.option("--time", help="Column: train on the past, test on the future."),
    click.option("--ignore", multiple=True, metavar="COL", help="Column to leave out; repeatable."),
    click.option("--task", type=click.Choice(["auto", "binary", "multiclass"]), default="auto"),
)

training_options = options(
    click.option("--model", default="auto", help="mlp, cnn or your own module:factory."),
    click.option("--widths", default="", help="Units per hidden layer, for example 256,256."),
    click.option("--activation", default="relu", show_default=True),
    click.option("--epochs", type=int, default=60, show_default=True, help="The most epochs."),
    click.option("--batch-size", type=int, default=0, help="Rows per step [from the rows]."),
    click.option(
        "--optimizer",
        default="Adam",
        show_default=True,
        help="A class of torch.optim, or your own module:Class.",
    ),
    click.option("--optimizer-args", default="", help="Such as momentum=0.9,nesterov=true."),
    click.option("--loss", default="", help="Your own module:function [cross-entropy]."),
    click.option("--learning-rate", type=float, default=1e-3, show_default=True),
    click.option(
        "--schedule",
        type=click.Choice(["constant", "flat-cosine"]),
        default="constant",
        show_default=True,
        help="Learning rate over the epochs.",
    ),
    click.option("--patience", type=int, default=10, show_default=True, help="Of early stopping."),
    click.option(
        "--class-weights",
        type=click.Choice(["none", "balanced"]),
        default="none",
        show_default=True,
        help="Weight rows of rare classes more.",
    ),
    click.option("--seed", type=int, default=0, show_default=True),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps."),
)

search_options = options(
    click.option("--trials", type=int, default=32, show_default=True, help="Settings per search."),
    click.option("--seeds", type=int, default=0, help="Final trainings per arm [3, compare 5]."),
    click.option("--budget", default="", help="Time for the searches, such as 10m."),
    click.option("--batch-norm", is_flag=True, help="Let the search try batch norm too."),
    click.option("--l1", type=float, help="Give the strength, and do not search it."),
    click.option("--decay-epochs", type=float, help="Likewise, of decoupled L2; 0 is off."),
    click.option("--dropout", type=float, help="Likewise, the rate."),
    click.option(
        "--layers",
        default="",
        metavar="PATTERNS",
        help="Layers with strengths of their own, such as 'encoder.*,head'.",
    ),
    click.option("--bag", is_flag=True, help="Ship the mean of 4 networks, each on its own rows."),
    click.option("--greedy", is_flag=True, help="Ship the finalists' networks, weighted greedily."),
    click.option(
        "--storage",
        default="",
        help="Optuna's: sqlite:///FILE, any database, or a journal file [RUN/trials.db].",
    ),
)
