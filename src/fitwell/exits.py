"""How a command ends: an error as one line, and its exit code."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fitwell.errors import FitwellError, InputError


@contextmanager
def plain_errors(out: Path | None = None) -> Iterator[None]:
    """Turn an error into one line: exit code 2 for bad input, 1 for a run that failed."""
    try:
        yield
    except FitwellError as error:
        click.echo(f"fitwell: {' '.join(str(error).split())}", err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a third one would break the way out
        kept = f" What was done is kept: repeat with --out {out} --resume." if out else ""
        click.echo(f"\nfitwell: stopped.{kept}", err=True)
        sys.exit(1)
