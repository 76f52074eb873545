"""A model served by processes of their own, until they are told to stop."""

import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fitwell.errors import InputError
from fitwell.runs.prediction import load_predictor
from fitwell.serving.app import make_app
from fitwell.serving.measures import SHARED

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE = 20
"""Seconds that requests under way may take after SIGTERM; SageMaker kills after 30."""

ASKED = "FITWELL_SERVE"
"""Tells a worker process which run it serves."""


def serve_run(
    run: Path, *, host: str, port: int, factory: str | None = None, workers: int = 1
) -> None:
    """Load a run folder's model and serve it until SIGTERM or Ctrl-C; then return.

    Args:
        run: a run folder.
        host: to listen on.
        port: to listen on.
        factory: for a network of the user's own.
        workers: processes, each with a model of its own and one thread for it.

    Raises:
        InputError: the folder holds no model that can be served, or the port is taken.
    """
    with _ended_by_signals(), ExitStack() as stack:
        app = make_app(load_predictor(run, factory))
        import uvicorn

        if workers > 1:
            stack.enter_context(_shared_figures())
        # Workers do not inherit the app: it must be one that every process can build.
        os.environ[ASKED] = json.dumps([str(run.resolve()), factory])
        config = uvicorn.Config(
            app if workers == 1 else f"{__name__}:app_of_worker",
            factory=workers > 1,
            workers=workers,
            access_log=False,
            timeout_graceful_shutdown=GRACE,
        )
        with _listening(host, port) as listener:
            if workers == 1:
                uvicorn.Server(config).run(sockets=[listener])
            else:
                from uvicorn.supervisors import Multiprocess

                Multiprocess(config, sockets=[listener]).run()


@contextmanager
def _shared_figures() -> Iterator[None]:
    """Give the workers a folder in which their figures are added up."""
    with tempfile.TemporaryDirectory(prefix="fitwell-") as folder:
        os.environ[SHARED] = folder
        try:
            yield
        finally:
            del os.environ[SHARED]


def app_of_worker() -> "FastAPI":
    """Build the app in a worker process."""
    run, factory = json.loads(os.environ[ASKED])
    return make_app(load_predictor(Path(run), factory))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end what is inside, quietly.

    uvicorn raises a signal again once it has shut down, which would kill the process; and a
    container's first process ignores SIGTERM unless it says what to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    with suppress(KeyboardInterrupt):
        yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror).split(" (")[0]
        raise InputError(
            f"--port {port} on --host {host} cannot be used: {reason}. Choose another."
        ) from error
