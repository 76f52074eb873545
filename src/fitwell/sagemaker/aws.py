"""The way to AWS: boto3 where it is installed, and its errors as one line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fitwell.errors import FitwellError, InputError

ATTEMPTS = 3
"""So often is a request tried; botocore waits longer each time."""


class CloudError(FitwellError, RuntimeError):
    """AWS, or the way there, failed a request that was in order: exit code 1."""


@dataclass(frozen=True, kw_only=True)
class Aws:
    """Which account and region; empty is what boto3 finds by itself.

    Attributes:
        region: such as ``eu-central-1``.
        profile: of the shared configuration.
        endpoint_url: of another server than AWS's, for all services.
    """

    region: str = ""
    profile: str = ""
    endpoint_url: str = ""

    def client(self, service: str) -> Any:
        """Give boto3's client of a service.

        Raises:
            InputError: boto3 is not installed; no region; no such profile.
        """
        try:
            import boto3
            from botocore.config import Config
        except ModuleNotFoundError as error:
            raise InputError(
                "fitwell sagemaker needs boto3. Install it: pip install 'fitwell[aws]'"
            ) from error
        config = Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS})
        with plain_errors():
            session = boto3.Session(
                profile_name=self.profile or None, region_name=self.region or None
            )
            try:
                return session.client(
                    service, endpoint_url=self.endpoint_url or None, config=config
                )
            except ValueError as error:
                raise InputError(
                    f"--endpoint-url is {self.endpoint_url!r}, but an address such as"
                    " http://127.0.0.1:5000 is expected."
                ) from error


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn an error of boto3 into one line.

    Raises:
        InputError: credentials, profile or region are missing.
        CloudError: AWS refused the request or could not be reached.
    """
    try:
        from boto3.exceptions import Boto3Error
        from botocore import exceptions as known
    except ModuleNotFoundError:  # then nothing below can raise its errors
        yield
        return
    try:
        yield
    except (known.NoCredentialsError, known.PartialCredentialsError) as error:
        raise InputError(
            f"AWS credentials are missing: {error}. Log in (aws sso login, aws configure), or set"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    except known.NoRegionError as error:
        raise InputError("no AWS region. Give --region, or set AWS_DEFAULT_REGION.") from error
    except known.ProfileNotFound as error:
        raise InputError(f"--profile: {error}. Name one of your configuration.") from error
    except known.ClientError as error:
        raise CloudError(_refusal(error)) from error
    except (known.BotoCoreError, Boto3Error) as error:
        raise CloudError(f"AWS cannot be asked: {' '.join(str(error).split())}") from error


def _refusal(error: Any) -> str:
    said = error.response.get("Error", {})
    reason = " ".join(str(said.get("Message", error)).split())
    return f"AWS refused {error.operation_name} ({said.get('Code', 'unknown')}): {reason}"


def call(client: Any, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Call an operation.

    Raises:
        CloudError: AWS refused it.
    """
    from botocore import xform_name

    with plain_errors():
        answer: dict[str, Any] = getattr(client, xform_name(operation))(**body)
    return answer
