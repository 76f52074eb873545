"""``fitwell-sagemaker train`` and ``serve``: what SageMaker starts an image with."""

import os
import sys
from collections.abc import Sequence

from fitwell.exits import plain_errors
from fitwell.sagemaker import entry
from fitwell.sagemaker.contract import JobFolders


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or serve the model that was unpacked for this container.

    ``serve`` listens on all addresses at SAGEMAKER_BIND_TO_PORT, 8080 unless it is set, with
    SAGEMAKER_MODEL_SERVER_WORKERS processes, 1 unless it is set. A network of the user's own is
    named again by FITWELL_MODEL, as ``module:factory``.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] != ["serve"]:
        entry.main(given)
        return
    with plain_errors():
        from fitwell.serving.process import serve_run

        serve_run(
            JobFolders.from_environment().model,
            host="0.0.0.0",
            port=_number("SAGEMAKER_BIND_TO_PORT", 8080),
            factory=os.environ.get("FITWELL_MODEL") or None,
            workers=_number("SAGEMAKER_MODEL_SERVER_WORKERS", 1),
        )


def _number(name: str, otherwise: int) -> int:
    from fitwell.errors import InputError

    text = os.environ.get(name) or str(otherwise)
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{name} is {text!r}, but a whole number above 0 is expected. Set it so.")
    return int(text)


if __name__ == "__main__":
    main()
