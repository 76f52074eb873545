"""Work as tasks of a Ray cluster; scheduling, retries and the store of objects are Ray's."""

import copy
import re
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from fitwell.errors import FitwellError, InputError, TrainingFailed
from fitwell.version import __version__

RETRIES = 3
"""So often Ray does a task again whose process or node was lost; Ray's own default."""

PATIENCE = 30.0
"""Seconds in which a cluster must answer. Ray itself tries for many minutes."""

_PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False)"
_put: dict[tuple[str, int], Any] = {}


def connect(address: str) -> None:
    """Make this process a driver of a cluster that is there; a driver stays with its own.

    Args:
        address: ``auto``, which is Ray's `RAY_ADDRESS` or a cluster on this machine, or
            ``HOST:PORT``.

    Raises:
        InputError: Ray is not installed, or no cluster answers within `PATIENCE` seconds.
    """
    if not isinstance(address, str) or not re.fullmatch(r"auto|[^/\s]+:\d+", address):
        raise InputError(
            f"--ray is {address!r}, but auto or HOST:PORT is expected, such as 10.0.0.5:6379."
        )
    try:
        import ray
    except ImportError as error:
        raise InputError("--ray needs Ray: pip install 'fitwell[ray]'.") from error
    if ray.is_initialized():
        return
    # In a process of its own: a call that waits for a cluster cannot be given up.
    try:
        subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            timeout=PATIENCE,
            check=True,
            capture_output=True,
        )
    except subprocess.SubprocessError as error:
        raise InputError(_no_answer(address, error)) from error
    ray.init(address=address, logging_level="error", log_to_driver=False)


def _no_answer(address: str, error: subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        why = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        found = f"no Ray cluster could be joined ({''.join(why)})"
    else:
        found = f"no Ray cluster answered within {PATIENCE:g} s"
    return (
        f"--ray {address}: {found}. Start one with ray start --head, join it from each machine"
        " with ray start --address HOST:PORT, and run fitwell on one of them; or leave --ray out."
    )


def shared(value: Any) -> Any:
    """Put something large into the cluster's store of objects: once, for as long as it lives."""
    import ray

    key = (ray.get_runtime_context().get_job_id(), id(value))
    if key not in _put:
        _put[key] = ray.put(value)
        weakref.finalize(value, _put.pop, key, None)
    return _put[key]


def tasks(
    function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    """Call a function on the cluster for each tuple of arguments, one core a call.

    ``calls`` is read as cores become free, so that it may stop early. What is still running
    when this generator is left is cancelled.

    Args:
        function: one that every node can import.
        calls: its arguments; what `shared` gave stands for what it was given.

    Yields:
        The place of a call among the others and what it returned, in any order.

    Raises:
        InputError: a node has other versions than this process, or lacks a module.
        TrainingFailed: Ray has done a task `RETRIES` times again and lost it each time.
    """
    import ray

    going: dict[Any, int] = {}
    waiting = enumerate(calls)
    try:
        while True:
            cores = max(1, int(ray.cluster_resources().get("CPU", 0)))
            for place, call in islice(waiting, max(0, cores - len(going))):
                going[_task().remote(_versions(), function, *call)] = place
            if not going:
                return
            [ended], _ = ray.wait(list(going))
            result = _result(ended)
            yield going.pop(ended), result
    finally:
        for task in going:
            ray.cancel(task, force=True)  # what is in the middle of a C function hears nothing else


@cache
def _task() -> Any:
    import ray

    return ray.remote(num_cpus=1, max_retries=RETRIES)(_checked)


def _checked(wanted: dict[str, str], function: Callable[..., Any], *given: Any) -> Any:
    """Call a function on a node, if the node computes as the driver does."""
    import ray

    for package, version in _versions().items():
        if version != wanted[package]:
            raise InputError(
                f"--ray: node {ray.util.get_node_ip_address()} has {package} {version}, but"
                f" {wanted[package]} runs here, so that numbers could differ. Install the same"
                " versions on every node."
            )
    # Arrays that came in a message cannot be written to, which torch complains about, and begin
    # anywhere in memory, not at a multiple of 16 bytes as NumPy's own: matrix products round
    # otherwise then. What `deepcopy` makes is NumPy's own.
    return function(*copy.deepcopy(given))


def _versions() -> dict[str, str]:
    """Give the versions that the numbers of a training hang on."""
    import numba
    import numpy
    import torch

    bare = torch.__version__.split("+")[0]  # a build for another device computes the same here
    return {
        "fitwell": __version__,
        "torch": bare,
        "numpy": numpy.__version__,
        "numba": numba.__version__,
    }


def _result(task: Any) -> Any:
    import ray

    try:
        return copy.deepcopy(ray.get(task))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, FitwellError):
            raise error.cause from None
        missing = re.search(r"No module named '([^']+)'", str(error))
        if missing:
            raise InputError(
                f"--ray: a node cannot import {missing[1]}. Install the same fitwell on every"
                " node, and hand your own files on with Ray's runtime_env."
            ) from error
        raise
    except ray.exceptions.RayError as error:
        raise TrainingFailed(
            f"--ray: the cluster lost a training {RETRIES + 1} times:"
            f" {str(error).strip().splitlines()[0]}"
        ) from error
