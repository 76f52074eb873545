"""Where jobs and endpoints run on AWS, and by what: every option of it, checked once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fitwell.errors import InputError

DAY = 86_400
LONGEST = 28 * DAY
"""Seconds; AWS ends every training job after 28 days."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """What a request says beside the data and the question.

    Attributes:
        role: ARN of the role that the job or the model takes.
        image: address of the image in ECR.
        s3: ``s3://bucket/prefix`` below which everything lies: data by content, jobs by name.
        instance_type: such as ``ml.m5.xlarge``.
        instance_count: machines; a training takes 1.
        volume_gb: disk of each machine of a training, in GB.
        max_run: seconds after which AWS ends a training.
        spot: take spare machines, which AWS may take back; the job then goes on from its
            checkpoints.
        max_wait: seconds for waiting and running together, with ``spot``; 0 is twice
            ``max_run``.
        checkpoints: S3 folder of the checkpoints; with ``spot``, empty is one below ``s3``.
        subnets: of the VPC; with ``security_groups`` or not at all.
        security_groups: of the VPC.
        volume_key: KMS key of the disks.
        output_key: KMS key of what is written to S3.
        tags: pairs of key and value.
        isolated: no network inside the container.
        environment: pairs of variable and value in the container.
        entrypoint: command of the container where its image names none, such as
            ``("fitwell-sagemaker",)``.
    """

    role: str
    image: str
    s3: str
    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    volume_gb: int = 30
    max_run: int = DAY
    spot: bool = False
    max_wait: int = 0
    checkpoints: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    volume_key: str = ""
    output_key: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    isolated: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    entrypoint: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {value!r}, but {wanted} is expected"
            for name, value, holds, wanted in (
                ("--s3", self.s3, is_folder(self.s3), "s3://bucket/prefix"),
                ("--instance-count", self.instance_count, self.instance_count >= 1, "at least 1"),
                ("--volume-gb", self.volume_gb, self.volume_gb >= 1, "at least 1"),
                ("--max-run", self.max_run, 0 < self.max_run <= LONGEST, "1 s to 28 days"),
                (
                    "--max-wait",
                    self.max_wait,
                    self.max_wait == 0 or (self.spot and self.max_wait >= self.max_run),
                    "--spot and at least --max-run",
                ),
                (
                    "--checkpoints",
                    self.checkpoints,
                    not self.checkpoints or is_folder(self.checkpoints),
                    "s3://bucket/prefix",
                ),
                (
                    "--subnet",
                    self.subnets,
                    bool(self.subnets) == bool(self.security_groups),
                    "a --security-group beside it, or neither,",
                ),
                ("--tag", self.tags, _distinct(self.tags), "each key once"),
                ("--env", self.environment, _distinct(self.environment), "each variable once"),
            )
            if not holds
        ]
        if wrong:
            raise InputError("; ".join(wrong) + ".")

    @property
    def waits(self) -> int:
        """Seconds for waiting and running together, with ``spot``."""
        return self.max_wait or 2 * self.max_run

    @property
    def jobs(self) -> str:
        """The S3 folder that holds a folder per job."""
        return f"{self.s3.rstrip('/')}/jobs"

    def kept(self, job: str) -> str:
        """Give the S3 folder of a job's checkpoints; empty where none are kept."""
        if self.checkpoints or not self.spot:
            return self.checkpoints
        return f"{self.s3.rstrip('/')}/checkpoints/{job}"


def is_folder(text: str) -> bool:
    """Say whether a text is the address of a bucket, or of a prefix in one.

    >>> is_folder("s3://bucket/some/prefix"), is_folder("bucket/some/prefix")
    (True, False)
    """
    return re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?", text) is not None


def _distinct(pairs: Sequence[tuple[str, str]]) -> bool:
    return len({key for key, _ in pairs}) == len(pairs)
