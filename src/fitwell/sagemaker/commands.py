"""The command group ``fitwell sagemaker``: parse, call, print."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitwell.errors import InputError
from fitwell.exits import plain_errors
from fitwell.options import options
from fitwell.sagemaker.command_options import (
    NOWHERE,
    aws_in,
    aws_options,
    cloud_in,
    cloud_options,
    count_option,
    dry_run_option,
    hyperparameter_options,
    hyperparameters_in,
    local_options,
    machine_options,
    prices_option,
    sweep_in,
    sweep_options,
)

if TYPE_CHECKING:
    from fitwell.sagemaker.aws import Aws
    from fitwell.sagemaker.jobs import Plan
    from fitwell.sagemaker.states import State

KINDS = ("training", "tuning", "transform", "endpoint")

LOCAL = Path("fitwell-runs/local")

kind_option = click.option(
    "--kind", type=click.Choice(KINDS), default="training", show_default=True
)
data_options = (
    click.argument("data"),
    click.option("--test", help="FILE with the test rows; otherwise 20 % are set aside."),
    click.option("--name", default="", help="Of the job [fitwell, the data and the time]."),
)


@click.group()
def sagemaker() -> None:
    """Start the same job on Amazon SageMaker, watch it, bring its run folder back.

    Needs boto3: pip install 'fitwell[aws]'. Every request is checked before anything is sent.

    \b
    Example:
        fitwell sagemaker tune visits.csv --target outcome --dry-run
    """


@sagemaker.command()
@options(*data_options, hyperparameter_options("outside_is_off"), cloud_options, machine_options)
@options(prices_option, dry_run_option, aws_options)
def train(**given: Any) -> None:
    """Run one training job on DATA: --verb diagnose, tune or compare, as on this machine.

    DATA is a file, a folder of images, or s3://bucket/prefix. It is uploaded under the hash of
    its content, and only once. What is not given is not sent: the job has the same defaults.

    \b
    Example:
        fitwell sagemaker train visits.csv --target outcome --verb compare --spot
    """
    with plain_errors():
        _train(given)


@sagemaker.command()
@options(*data_options, hyperparameter_options("verb", "resamples", "outside_is_off"))
@options(cloud_options, machine_options, sweep_options, local_options, prices_option)
@options(dry_run_option, aws_options)
def tune(automatic: bool, local: bool, out: Path | None, **given: Any) -> None:
    """Search the regularization for DATA in one training job that has the whole search inside.

    One job, because it is usually far cheaper than a job per setting: a machine is started once,
    which takes minutes that are paid; the data are loaded and the final networks trained once;
    many settings are trained side by side, and most are dropped after a few epochs.

    With --automatic SageMaker's own tuning starts one job per setting instead (--jobs, --at-once):
    l1 and decay on log scales with room for "off", dropout on a line from 0. Early stopping is off,
    since a strongly regularized network begins slowly and would be stopped for it.

    With --automatic --local the same request runs on this machine: the job's own entry point, once
    per setting. It needs no account. Ctrl-C keeps the jobs that ended; the same command goes on.

    \b
    Examples:
        fitwell sagemaker tune visits.csv --target outcome --trials 64 --spot
        fitwell sagemaker tune visits.csv --target outcome --automatic --local --jobs 4
    """
    with plain_errors():
        sweep = sweep_in(given)
        if automatic:
            _sweep(given, sweep, (out or LOCAL) if local else None)
            return
        if local or out:
            raise InputError(
                f"--{'local' if local else 'out'} is for --automatic. The one job with the whole"
                " search inside is fitwell tune on this machine."
            )
        if sweep:
            flag = next(iter(sweep)).replace("_", "-").replace("parents", "warm-start")
            raise InputError(f"--{flag} is for --automatic. Add it, or leave --{flag} out.")
        _train({**given, "verb": "tune"})


def _sweep(given: dict[str, Any], sweep: dict[str, Any], out: Path | None) -> None:
    from fitwell.sagemaker.jobs import plan_tuning
    from fitwell.sagemaker.sweep import Sweep

    if out is not None:
        given.update({name: given[name] or NOWHERE[name] for name in NOWHERE})
        given["name"] = given["name"] or "local"  # without the time: it can be repeated
    aws, dry_run, prices = aws_in(given), given.pop("dry_run"), given.pop("prices")
    asked = hyperparameters_in(given)
    cloud, how = cloud_in(given), Sweep(**sweep, seed=asked.get("seed", 0))
    plan = plan_tuning(options=asked, cloud=cloud, sweep=how, **given)
    if prices:
        most = _cost(prices, cloud.instance_type, cloud.max_run, how.jobs)
        _tell(f"at most {most:.2f} in {how.jobs} jobs of {cloud.max_run / 3600:g} h")
    if out is not None and not dry_run:
        _tune_here(plan, out)
        return
    _start(plan, aws, dry_run, f"fitwell sagemaker status {plan.name} --kind tuning --wait")


def _tune_here(plan: "Plan", out: Path) -> None:
    from fitwell.sagemaker.local_tuning import tune_here

    found = tune_here(plan, out, _tell)
    drawn = ", ".join(f"{name} {float(text):.3g}" for name, text in found.hyperparameters.items())
    low, high = found.interval
    _tell(
        f"lowest validation log-loss of {found.jobs}: {found.objective:.4f}"
        f" [{low:.4f}, {high:.4f}], {found.name} with {drawn}; the lowest of several reads"
        " better than it is"
    )
    click.echo(found.model)


def _train(given: dict[str, Any]) -> None:
    from fitwell.sagemaker.jobs import plan_training

    aws, dry_run, prices = aws_in(given), given.pop("dry_run"), given.pop("prices")
    asked = hyperparameters_in(given)
    cloud = cloud_in(given)
    plan = plan_training(options=asked, cloud=cloud, **given)
    if prices:
        hours = cloud.max_run / 3600
        _tell(f"at most {_cost(prices, cloud.instance_type, cloud.max_run):.2f} in {hours:g} h")
    _start(plan, aws, dry_run, f"fitwell sagemaker status {plan.name} --wait")


@sagemaker.command()
@click.argument("job")
@click.option("--endpoint", default="", help="Its name [the job's].")
@click.option("--model-data", default="", help="Address of a model.tar.gz [the job's].")
@options(cloud_options, count_option, prices_option, dry_run_option, aws_options)
def deploy(job: str, model_data: str, prices: Path | None, endpoint: str, **given: Any) -> None:
    """Put the model of a finished training job behind an endpoint.

    It costs by the hour until it is stopped: fitwell sagemaker stop ENDPOINT --kind endpoint.

    \b
    Example:
        fitwell sagemaker deploy fitwell-visits-20260131-120000 --endpoint visits
    """
    with plain_errors():
        from fitwell.sagemaker.jobs import plan_deployment

        aws, dry_run, cloud = aws_in(given), given.pop("dry_run"), cloud_in(given)
        where = model_data or _model_data(job, cloud, aws, dry_run)
        plan = plan_deployment(job, cloud=cloud, model_data=where, endpoint=endpoint)
        if prices:
            price = _cost(prices, cloud.instance_type, 3600, cloud.instance_count)
            _tell(f"{price:.2f} per hour, until it is stopped")
        way = f"fitwell sagemaker status {plan.name} --kind endpoint --wait"
        _start(plan, aws, dry_run, way)


@sagemaker.command()
@click.argument("job")
@click.argument("data")
@click.option("--name", default="", help="Of the transform job.")
@click.option("--model-data", default="", help="Address of a model.tar.gz [the job's].")
@options(cloud_options, count_option, dry_run_option, aws_options)
def transform(job: str, data: str, model_data: str, name: str, **given: Any) -> None:
    """Predict the rows of DATA with a finished job's model, without an endpoint.

    DATA is a CSV file with a header, JSON or npy, or a folder of such files; each file is one
    request, of 20 MiB at most.

    \b
    Example:
        fitwell sagemaker transform fitwell-visits-20260131-120000 new.csv
    """
    with plain_errors():
        from fitwell.sagemaker.jobs import plan_transform

        aws, dry_run, cloud = aws_in(given), given.pop("dry_run"), cloud_in(given)
        where = model_data or _model_data(job, cloud, aws, dry_run)
        plan = plan_transform(job, data, cloud=cloud, model_data=where, name=name)
        way = f"fitwell sagemaker status {plan.name} --kind transform --wait"
        _start(plan, aws, dry_run, way)


def _model_data(job: str, cloud: Any, aws: "Aws", dry_run: bool) -> str:
    """Ask AWS where a job's model lies; a dry run asks nobody, and goes by the layout."""
    from fitwell.sagemaker.fetching import model_of
    from fitwell.sagemaker.jobs import expected_model

    return expected_model(job, cloud) if dry_run else model_of(job, aws)


@sagemaker.command()
@click.argument("name")
@kind_option
@click.option("--wait", is_flag=True, help="Until it has ended; asks every 30 seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON and nothing else.")
@options(prices_option, aws_options)
def status(
    name: str, kind: str, wait: bool, as_json: bool, prices: Path | None, **given: Any
) -> None:
    """Say how a job or an endpoint is doing; exit code 1 if it failed.

    \b
    Example:
        fitwell sagemaker status fitwell-visits-20260131-120000 --wait
    """
    with plain_errors():
        from fitwell.sagemaker import states

        aws = aws_in(given)
        if wait:
            state = states.wait(
                name, kind=kind, aws=aws, tell=lambda now: _tell(f"{name}: {now.state}")
            )
        else:
            state = states.status(name, kind=kind, aws=aws)
        if as_json:
            click.echo(json.dumps(asdict(state), indent=2))
        else:
            _show(state, prices)
    if state.state == "Failed":
        raise SystemExit(1)


def _show(state: "State", prices: Path | None) -> None:
    for line in state.lines():
        click.echo(line)
    if prices and state.seconds is not None:
        spent = _cost(prices, state.instance, state.seconds, state.count)
        click.echo(f"  cost by {prices}: {spent:.2f}")


@sagemaker.command()
@click.argument("name")
@kind_option
@options(aws_options)
def stop(name: str, kind: str, **given: Any) -> None:
    """Stop a job, or delete an endpoint, which ends its costs.

    \b
    Example:
        fitwell sagemaker stop visits --kind endpoint
    """
    with plain_errors():
        from fitwell.sagemaker import states

        states.stop(name, kind=kind, aws=aws_in(given))
    click.echo(f"{kind} {name} is being {'deleted' if kind == 'endpoint' else 'stopped'}")


@sagemaker.command()
@click.argument("job")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder to make [the job's name].")
@click.option("--force", is_flag=True, help="Replace the run folder if it exists.")
@options(aws_options)
def fetch(job: str, out: Path | None, force: bool, **given: Any) -> None:
    """Bring a finished training job back as a run folder for report, predict and serve.

    \b
    Example:
        fitwell sagemaker fetch fitwell-visits-20260131-120000 --out run
    """
    with plain_errors():
        from fitwell.sagemaker.fetching import fetch as bring

        folder = bring(job, out or Path(job), aws=aws_in(given), force=force, tell=_tell)
    click.echo(folder)


def _start(plan: "Plan", aws: "Aws", dry_run: bool, way: str) -> None:
    from fitwell.sagemaker.jobs import submit

    if dry_run:
        click.echo(json.dumps(_shown(plan), indent=2))
        return
    click.echo(submit(plan, aws, tell=_tell))
    _tell(f"started; {way}")


def _shown(plan: "Plan") -> Mapping[str, Any]:
    return {
        "uploads": [{"from": str(up.path), "to": up.uri} for up in plan.uploads],
        "requests": [{request.operation: request.body} for request in plan.requests],
    }


def _cost(prices: Path, instance: str, seconds: float, count: int = 1) -> float:
    from fitwell.sagemaker.prices import cost, read_prices

    return cost(read_prices(prices), instance, seconds, count)


def _tell(line: str) -> None:
    click.echo(f"fitwell: {line}", err=True)
