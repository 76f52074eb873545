"""A job's archive, brought back as a run folder like any other."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.runs.folder import check_writable
from fitwell.runs.opened import opened
from fitwell.sagemaker.aws import Aws, CloudError, plain_errors
from fitwell.sagemaker.states import describe, read_state
from fitwell.storage import write_json
from fitwell.vetting.unpack import MOST_BYTES, unpack

KEPT = (
    "TrainingJobName", "TrainingJobArn", "ModelArtifacts", "AlgorithmSpecification",
    "ResourceConfig", "HyperParameters", "InputDataConfig", "BillableTimeInSeconds",
)  # fmt: skip
"""What is written into the folder about the job that made it."""


def fetch(
    job: str,
    out: Path,
    *,
    aws: Aws | None = None,
    force: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Bring back what a training job made; ``fitwell report``, ``predict`` and ``serve`` read it.

    Args:
        job: its name.
        out: the run folder to make.
        aws: the account; what boto3 finds unless given.
        force: replace a run folder that is there.
        tell: told of the archive.

    Raises:
        InputError: ``out`` exists; the job is not done; the archive is not one of a run.
        CloudError: AWS does not know the job, or does not give its archive.
    """
    aws = aws or Aws()
    _check_out(out, force)
    found = describe(job, "training", aws)
    model = _finished(job, found)
    s3 = aws.client("s3")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as made:
        folder = Path(made) / "run"
        folder.mkdir()
        if not _there(s3, model):
            raise CloudError(f"{model} is not there, though job {job} is done. Was it deleted?")
        tell(f"fetching {model}")
        _bring(s3, model, folder)
        with opened(folder):  # what was changed on the way is refused
            pass
        about = {name: found[name] for name in KEPT if name in found}
        write_json(folder / "sagemaker.json", about)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return out


def _check_out(out: Path, force: bool) -> None:
    check_writable(out)
    if not out.exists():
        return
    if not force:
        raise InputError(f"--out {out} exists. Use --force to replace it, or another folder.")
    if not (out / "run.json").is_file():
        raise InputError(
            f"--out {out} exists and is not a run folder, so --force leaves it alone. Choose"
            " another folder."
        )


def model_of(job: str, aws: Aws) -> str:
    """Give the address of a finished job's model.tar.gz.

    Raises:
        InputError: the job is not done, or left no such file.
        CloudError: AWS does not know the job.
    """
    return _finished(job, describe(job, "training", aws))


def _finished(job: str, found: dict[str, Any]) -> str:
    state = read_state(job, "training", found)
    if state.state != "Completed":
        why = f" {state.reason.rstrip('.?!')}." if state.reason else ""
        way = (
            f"Ask again later: fitwell sagemaker status {job}" if state.running else "Run it anew."
        )
        raise InputError(f"job {job} is {state.state}, not Completed.{why} {way}")
    if not state.place.endswith(".tar.gz"):
        raise InputError(f"job {job} left no model.tar.gz, but {state.place!r}. Run it anew.")
    return state.place


def _bring(s3: Any, uri: str, folder: Path) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    archive = folder.with_name(Path(key).name)
    with plain_errors():
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if size > MOST_BYTES:
            raise InputError(f"{uri} has {size:,} bytes, more than a run has. It is refused.")
        s3.download_file(bucket, key, str(archive))
    unpack(archive, folder)
    archive.unlink()


def _there(s3: Any, uri: str) -> bool:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        with plain_errors():
            s3.head_object(Bucket=bucket, Key=key)
    except CloudError as error:
        if "(404)" in str(error):
            return False
        raise
    return True
