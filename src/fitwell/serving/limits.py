"""How much a server takes at once, and what it says to more."""

from fitwell.errors import InputError

MAX_BODY = 20 * 2**20
"""Bytes; a longer body is refused with 413."""

MAX_ROWS = 100_000
"""Rows of one request; more are refused with 413."""

MAX_NESTED = 1_000_000
"""Lists and objects of a JSON body: each takes a hundred bytes, however short it is."""

MAX_HELD = 128 * 2**20
"""Bytes of bodies that are held at once; what would exceed them is refused with 503."""

MAX_WAITING = 512
"""Requests that wait for the model; the next one is refused with 503."""

PATIENCE = 60
"""Seconds that a body may take to arrive, which is also what SageMaker waits for an answer."""


class TooLarge(InputError):
    """A request with more than the server takes: 413."""


class Busy(InputError):
    """A request that finds no room: 503; the same request may pass a moment later."""


def check_rows(count: int) -> None:
    """Refuse a request of too many rows.

    Raises:
        TooLarge: more than `MAX_ROWS`.
    """
    if count > MAX_ROWS:
        raise TooLarge(f"the body holds over {MAX_ROWS:,} rows; send them in several requests")
