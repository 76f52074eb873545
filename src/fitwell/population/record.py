"""Steps that a graphics card repeats without being told each operation anew."""

import gc
from collections.abc import Callable

import torch

WARM = 8
"""So many calls come first: libraries set themselves up in them, and few steps need no record."""


class Record:
    """What a function of fixed memory asks of a CUDA device, as one graph once it is known.

    A step of a small network is some eighty operations of two microseconds each, which Python
    needs ten to ask for. A graph asks for all at once. On other devices, and where a device
    cannot record, the function is called each time.

    Args:
        device: where the memory is.
    """

    def __init__(self, device: torch.device) -> None:
        self._records = device.type == "cuda"
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def run(self, function: Callable[[], None]) -> None:
        """Do it once.

        Args:
            function: the same at each call; it reads and writes fixed memory, and never waits
                for the device.
        """
        if self._records and self._calls == WARM:
            self._graph = _recorded(function)
        self._calls += 1
        if self._graph is None:
            function()
        else:
            self._graph.replay()


def _recorded(function: Callable[[], None]) -> torch.cuda.CUDAGraph | None:
    """Write a function down, computing nothing; None where it cannot be.

    After one that failed, torch's generator of the device draws no more in this process: the
    function must not need it.
    """
    graph, here = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    aside.wait_stream(here)
    collects = gc.isenabled()
    gc.disable()  # memory that is given back meanwhile would end the record
    try:
        with torch.cuda.stream(aside):
            # Another thread may go on using the device.
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                function()
            finally:
                graph.capture_end()
    except RuntimeError:
        return None
    finally:
        here.wait_stream(aside)
        if collects:
            gc.enable()
    return graph
