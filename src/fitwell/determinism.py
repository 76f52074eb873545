"""The same numbers wherever a training runs: one thread, and a random state of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that results do not depend on the machine's cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Draw from ``seed`` inside; outside, torch's random state is as it was.

    The generators are set by themselves: ``torch.manual_seed`` also notes a seed for devices that
    are not there, with the calling stack, and that takes a hundred times as long.
    """
    generators = [torch.default_generator]
    if device == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        generators.append(torch.cuda.default_generators[torch.cuda.current_device()])
    elif device == "mps":
        torch.mps.manual_seed(seed)
    states = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(seed)
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
