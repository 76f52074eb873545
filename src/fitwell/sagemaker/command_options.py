"""The options of ``fitwell sagemaker``, and how they become a cloud and an account."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from fitwell import options as known
from fitwell.errors import InputError
from fitwell.sagemaker.aws import Aws
from fitwell.sagemaker.cloud import Cloud
from fitwell.sagemaker.hyperparameters import HYPERPARAMETERS

PREFIX = "FITWELL_SAGEMAKER"

aws_options = known.options(
    click.option("--region", default="", help="AWS region [boto3's]."),
    click.option("--profile", default="", help="Profile of your AWS configuration [boto3's]."),
    click.option("--endpoint-url", default="", help="Another server than AWS's, such as moto's."),
)

prices_option = click.option(
    "--prices",
    type=click.Path(path_type=Path),
    help="YAML: lines such as 'ml.m5.xlarge: 0.23', per hour. Says what it costs; fitwell knows no"
    " prices.",
)

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Print the requests as JSON; send nothing, upload nothing."
)


def _from_environment(name: str, help_: str) -> Callable[[Any], Any]:
    variable = f"{PREFIX}_{name.upper()}"
    return click.option(f"--{name}", default="", envvar=variable, help=f"{help_} [or {variable}]")


cloud_options = known.options(
    _from_environment("role", "ARN of the role that the job or the model takes."),
    _from_environment("image", "Address of the image in ECR."),
    _from_environment("s3", "s3://bucket/prefix, below which everything lies."),
    click.option("--instance-type", default="ml.m5.xlarge", show_default=True),
    click.option("--subnet", "subnets", multiple=True, help="Of your VPC; repeatable."),
    click.option(
        "--security-group", "security_groups", multiple=True, help="Of your VPC; repeatable."
    ),
    click.option("--volume-key", default="", help="KMS key of the disks."),
    click.option("--output-key", default="", help="KMS key of what is written to S3."),
    click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Repeatable."),
    click.option(
        "--env", "environment", multiple=True, metavar="NAME=VALUE", help="Variable; repeatable."
    ),
    click.option("--isolated", is_flag=True, help="No network inside the container."),
)

machine_options = known.options(
    click.option("--volume-gb", default=30, show_default=True, help="Disk, in GB."),
    click.option("--max-run", default="24h", show_default=True, help="AWS ends the job then."),
    click.option("--spot", is_flag=True, help="Spare machines: cheaper, may be interrupted."),
    click.option("--max-wait", default="", help="With --spot, start and run [twice --max-run]."),
    click.option("--checkpoints", default="", help="S3 folder [with --spot, one below --s3]."),
    click.option(
        "--entrypoint", default="", help="Command in an image that names none: fitwell-sagemaker."
    ),
)

sweep_options = known.options(
    click.option("--automatic", is_flag=True, help="SageMaker's own tuning: a job per setting."),
    click.option("--jobs", type=int, help="With --automatic: training jobs [20]."),
    click.option("--at-once", type=int, help="With --automatic: at a time [2]."),
    click.option(
        "--strategy", type=click.Choice(["Bayesian", "Random"]), help="With --automatic [Bayesian]."
    ),
    click.option(
        "--warm-start",
        "parents",
        multiple=True,
        metavar="TUNING_JOB",
        help="With --automatic: learn from it; repeatable.",
    ),
    click.option(
        "--early-stopping",
        type=click.Choice(["Off", "Auto"]),
        help="With --automatic, of whole jobs [Off].",
    ),
)

local_options = known.options(
    click.option(
        "--local", is_flag=True, help="With --automatic: run the jobs on this machine, without AWS."
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="With --local: folder of the jobs [fitwell-runs/local]. Repeated, it goes on there.",
    ),
)

NOWHERE = {
    "role": "arn:aws:iam::000000000000:role/local",
    "image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/local:latest",
    "s3": "s3://local/fitwell",
}
"""What stands in a request that nobody sends, where nothing was given."""

count_option = click.option(
    "--instance-count", default=1, show_default=True, type=click.IntRange(1), help="Machines."
)


def hyperparameter_options(*without: str) -> Callable[[Any], Any]:
    """Offer every hyperparameter of a job as an option; what is not given is not sent."""
    helps = _helps()

    def option(name: str) -> Callable[[Any], Any]:
        kind = HYPERPARAMETERS[name]
        flag = f"--{name.replace('_', '-')}"
        more: dict[str, Any] = {"help": helps.get(name)}
        if name == "target":
            more["help"] = "Column to predict (tables)."
        if isinstance(kind, tuple):
            more["type"] = click.Choice(kind)
        elif kind is bool:
            more.update(is_flag=True, flag_value="true", type=str)
        elif kind in (int, float):
            more["type"] = kind
        elif name == "ignore":
            more.update(multiple=True, metavar="COL")
        return click.option(flag, name, default=None, **more)

    return known.options(*(option(name) for name in HYPERPARAMETERS if name not in without))


def _helps() -> dict[str, str]:
    """Take the words of the local commands, without the defaults, which the job sets."""

    def command() -> None: ...

    for offer in (
        known.data_options, known.training_options, known.search_options, known.compare_options,
        known.output_options,
    ):  # fmt: skip
        offer(command)
    params: Sequence[click.Parameter] = getattr(command, "__click_params__", ())
    return {p.name: p.help for p in params if isinstance(p, click.Option) and p.name and p.help}


def hyperparameters_in(given: dict[str, Any]) -> dict[str, Any]:
    """Take the hyperparameters that were given out of a command's arguments."""
    found = {name: given.pop(name) for name in HYPERPARAMETERS if name in given}
    return {
        name: value == "true" if HYPERPARAMETERS[name] is bool else value
        for name, value in found.items()
        if value is not None and value != ()
    }


def sweep_in(given: dict[str, Any]) -> dict[str, Any]:
    """Take out how a tuning job searches, as far as it was given."""
    names = ("jobs", "at_once", "strategy", "parents", "early_stopping")
    found = {name: given.pop(name) for name in names}
    return {name: value for name, value in found.items() if value not in (None, ())}


def aws_in(given: dict[str, Any]) -> Aws:
    """Take the account out of a command's arguments."""
    return Aws(**{name: given.pop(name) for name in ("region", "profile", "endpoint_url")})


def cloud_in(given: dict[str, Any]) -> Cloud:
    """Take the cloud out of a command's arguments.

    Raises:
        InputError: a time, a tag or a variable that is none; options that are missing or do
            not fit.
    """
    for name in ("role", "image", "s3"):
        if not given[name]:
            variable = f"{PREFIX}_{name.upper()}"
            raise InputError(f"--{name} is missing. Give it, or set {variable}.")
    names = [name for name in Cloud.__dataclass_fields__ if name in given]
    found = {name: given.pop(name) for name in names}
    for name in ("max_run", "max_wait"):
        if name in found:
            found[name] = _seconds(f"--{name.replace('_', '-')}", found[name])
    for name, flag in (("tags", "--tag"), ("environment", "--env")):
        found[name] = tuple(_pair(flag, text) for text in found[name])
    if "entrypoint" in found:
        found["entrypoint"] = tuple(found["entrypoint"].split())
    return Cloud(**found)


def _seconds(flag: str, text: str) -> int:
    from fitwell.runs.question import parse_budget

    try:
        return round(parse_budget(text)) if text else 0
    except InputError as error:
        raise InputError(
            f"{flag} is {text!r}, but a time such as 90m or 24h is expected."
        ) from error


def _pair(flag: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise InputError(f"{flag} is {text!r}, but NAME=VALUE is expected.")
    return name, value
