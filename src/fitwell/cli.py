"""The command line: parse, call one library function, print. The only place that prints."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from fitwell.errors import InputError
from fitwell.exits import plain_errors
from fitwell.options import (
    compare_options,
    data_options,
    output_options,
    ray_option,
    search_options,
    training_options,
)
from fitwell.sagemaker.commands import sagemaker

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="fitwell", prog_name="fitwell")
def main() -> None:
    """Diagnose the gap between training and test accuracy, treat it, prove the gain.

    \b
    Example:
        fitwell tune visits.csv --target outcome --trials 32 --out run
    """


def _epilog(verb: str) -> str:
    return f"\b\nExample:\n    fitwell {verb} credit.csv --target default --out run"


@main.command(epilog=_epilog("diagnose"))
@data_options
@training_options
@output_options
def diagnose(**given: Any) -> None:
    """Say whether the gap is real, how large it is, and where it comes from."""
    _run("diagnose", given)


@main.command(epilog=_epilog("tune"))
@data_options
@training_options
@search_options
@click.option(
    "--path",
    type=click.Choice(["l1", "l2", "dropout"]),
    help="Trace this remedy too, from none of it to too much.",
)
@click.option(
    "--from",
    "from_weights",
    default="",
    metavar="FILE",
    help="Weights that you have (safetensors): try to start from them, too.",
)
@ray_option
@output_options
def tune(**given: Any) -> None:
    """Find the L1, L2 and dropout that suit this network, and test the result once."""
    _run("tune", given)


@main.command(epilog=_epilog("compare"))
@data_options
@training_options
@search_options
@compare_options
@ray_option
@output_options
def compare(**given: Any) -> None:
    """Hold the treatment against more shuffling, more training data, a smaller network."""
    _run("compare", given)


@main.command()
@click.option("--quick", is_flag=True, help="Fewer rows and trials: under a minute.")
@click.option(
    "--resamples", type=int, default=0, show_default=True, help="Outer splits; compare takes 10."
)
@output_options
def demo(**given: Any) -> None:
    """Run the whole comparison on built-in, synthetic visits to a landing page.

    \b
    Example:
        fitwell demo --quick
    """
    _run("compare", {**given, "data": None})


def _run(verb: str, given: dict[str, Any]) -> None:
    out = given.pop("out")
    demo_run = given["data"] is None
    name = "demo" if demo_run else f"{verb}-{Path(given['data']).name.split('.')[0]}"
    out = out or Path("fitwell-runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    with plain_errors(out):
        from fitwell.report.facts import opened_sentence
        from fitwell.runs.demo import launch_demo
        from fitwell.runs.folder import RunFolder
        from fitwell.runs.launch import launch
        from fitwell.runs.place import DataOptions, Place
        from fitwell.runs.question import Question, parse_budget
        from fitwell.shell import Progress, show

        quiet, verbose = given.pop("quiet"), given.pop("verbose")
        as_json = given.pop("as_json")
        place = Place(
            out=out,
            resume=given.pop("resume"),
            force=given.pop("force"),
            workers=given.pop("workers"),
            ray=given.pop("ray", None),
            lang=given.pop("lang"),
            log=given.pop("log"),
            storage=given.pop("storage", ""),
            command=("fitwell", *sys.argv[1:]),
        )
        with Progress(quiet=quiet) as watch:
            if demo_run:
                result = launch_demo(
                    place, watch, quick=given["quick"], resamples=given["resamples"]
                )
            else:
                keys = ("target", "test", "group", "time", "ignore")
                data = DataOptions(path=given.pop("data"), **{k: given.pop(k) for k in keys})
                budget = given.pop("budget", "")
                given["path"] = given.get("path") or ""
                question = Question(
                    verb=verb,  # type: ignore[arg-type]  # one of the three commands above
                    budget=parse_budget(budget) if budget else 0.0,
                    widths=_widths(given.pop("widths")),
                    layers=_patterns(given.pop("layers", "")),
                    **given,
                )
                result = launch(question, data, place, watch)
        seen = RunFolder.open(out).asked()
        if told := opened_sentence(seen, "en"):
            click.echo(f"fitwell: {told}", err=True)
        for arm, path in result.search_paths.items() if verbose else ():
            click.echo(f"{arm}: {path}", err=True)
        if as_json:
            from fitwell.storage import result_to_dict, to_json

            click.echo(to_json(result_to_dict(result)))
        else:
            show(result, out)


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(
            f"--widths is {text!r}, but whole numbers with commas are expected, such as 256,256."
        ) from error


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True)
@click.option("--png", is_flag=True, help="Write the charts as PNG too.")
def report(run: Path, lang: str, png: bool) -> None:
    """Write RUN/report.html, RUN/report.md and the charts again, and print where.

    \b
    Example:
        fitwell report run --lang ko --png
    """
    with plain_errors():
        from fitwell.runs.reporting import report_run

        paths = report_run(run, lang="ko" if lang == "ko" else "en", png=png)
    for path in paths:
        click.echo(path)


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--out", type=click.Path(path_type=Path), help="CSV to write [standard output].")
@click.option("--model", help="For a network of your own: module:factory once more.")
def predict(run: Path, data: str, out: Path | None, model: str | None) -> None:
    """Write a CSV of class probabilities, one row per row of DATA, in order.

    \b
    Example:
        fitwell predict run new.csv --out probabilities.csv
    """
    with plain_errors():
        from fitwell.runs.prediction import predict_file

        text = predict_file(run, data, out=out, factory=model)
        click.echo(text, nl=False)


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["onnx", "torch"]), help="One file to write.")
@click.option(
    "--archive",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write model.tar.gz instead: model and evidence, as SageMaker takes them.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File [model.onnx, model.pt2].")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--compact", is_flag=True, help="Leave out dead units: same outputs, fewer numbers.")
@click.option("--model", help="For a network of your own: module:factory once more.")
def export(run: Path, kind: Any, archive: Path | None, force: bool, **given: Any) -> None:
    """Write the network of RUN as one file for another runtime, or RUN as an archive.

    The file gives softmax probabilities. Preprocessing stays outside; what it does is told and
    written into the file. Nothing is written unless the file answers as torch does, to 1e-5.

    \b
    Example:
        fitwell export run --format onnx --out model.onnx
        fitwell export run --archive model.tar.gz
    """
    with plain_errors():
        if (kind is None) == (archive is None) or (archive and any(given.values())):
            raise InputError(
                "export takes --format onnx, --format torch or --archive FILE, one of them; --out,"
                " --compact and --model go with --format."
            )
        from fitwell.exports.export import archive_run, export_run

        if archive:
            text = archive_run(run, archive, force=force)
        else:
            out, compacted, factory = given["out"], given["compact"], given["model"]
            text = export_run(run, kind, out=out, force=force, compacted=compacted, factory=factory)
        click.echo(text)


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--model", help="For a network of your own: module:factory once more.")
def serve(run: Path, host: str, port: int, workers: int, model: str | None) -> None:
    """Answer GET /ping and POST /invocations with the model of RUN.

    Rows as CSV, JSON, JSON lines or Parquet, images as NPY, PNG or JPEG; GET /docs says more,
    GET /metrics is for Prometheus. Each of the WORKERS is a process with a model of its own.

    \b
    Example:
        fitwell serve run --port 8080
    """
    with plain_errors():
        from fitwell.serving.process import serve_run

        serve_run(run, host=host, port=port, factory=model, workers=workers)


main.add_command(sagemaker)
