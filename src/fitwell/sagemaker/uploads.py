"""Data on its way to S3: under the hash of its content, so that nothing is sent twice."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker.aws import plain_errors

BLOCK = 2**20

TYPES = {
    ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy", ".parquet": "application/x-parquet", ".npz": "application/x-npz",
}  # fmt: skip


@dataclass(frozen=True)
class Upload:
    """A file or a folder, and where it belongs.

    Attributes:
        path: on this machine.
        bucket: of S3.
        prefix: below which it lies; its last part is the hash of the whole.
        files: key below the prefix to path.
    """

    path: Path
    bucket: str
    prefix: str
    files: tuple[tuple[str, Path], ...]

    @property
    def uri(self) -> str:
        """The address of all of it, as a channel has it."""
        return f"s3://{self.bucket}/{self.prefix}/"


def plan_upload(path: Path, s3: str) -> Upload:
    """Hash a file, or a folder file by file, and give it its place below ``s3``/data.

    Equal content has an equal place, wherever it lay before; a file's name is part of it.
    Files whose names begin with a dot or an underscore are left out, as they are in a job.

    Raises:
        InputError: nothing there, or nothing that can be read.
    """
    files = tuple(_files(path))
    if not files:
        raise InputError(f"{path} is not a file and holds none. Name a data file or a folder.")
    whole = hashlib.sha256()
    for key, file in files:
        whole.update(f"{_hash(file)} {key}\n".encode())
    bucket, _, below = s3.removeprefix("s3://").partition("/")
    prefix = "/".join(part for part in (below.strip("/"), "data", whole.hexdigest()) if part)
    return Upload(path, bucket, prefix, files)


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if file.is_file() and not any(part[0] in "._" for part in inside.parts):
                yield inside.as_posix(), file


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return found.hexdigest()


def send(
    upload: Upload, s3: Any, *, key_id: str = "", tell: Callable[[str], None] = lambda _: None
) -> int:
    """Send what is not there yet, and say how many files that were.

    A key names its content, and S3 shows an object only when it is whole: one that is
    there with the right size need not be sent again, so that what was interrupted goes on
    at the next file.

    Args:
        upload: what, and where to.
        s3: boto3's client.
        key_id: KMS key to encrypt with.
        tell: told of each file that is sent.
    """
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    sent = 0
    with plain_errors():
        there = _there(upload, s3)
        for key, path in upload.files:
            whole_key = f"{upload.prefix}/{key}"
            if there.get(whole_key) == path.stat().st_size:
                continue
            tell(f"uploading {path}")
            s3.upload_file(str(path), upload.bucket, whole_key, ExtraArgs=extra)
            sent += 1
    return sent


def _there(upload: Upload, s3: Any) -> dict[str, int]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=upload.bucket, Prefix=f"{upload.prefix}/"
    )
    return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", ())}


def content_type(name: str) -> str:
    """Give the type of a data file by its name; empty where it has none.

    >>> content_type("visits.csv.gz"), content_type("images")
    ('text/csv', '')
    """
    return TYPES.get(Path(name.removesuffix(".gz")).suffix.lower(), "")
