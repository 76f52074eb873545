"""Where Optuna's studies are kept, if not in the run folder: any storage that Optuna has."""

from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalRedisBackend

from fitwell.errors import InputError
from fitwell.masking import masked

PATIENCE = 60.0
"""Seconds to wait for another program that writes to the same SQLite file."""


@dataclass(frozen=True)
class Studies:
    """A storage, and what a run puts before the names of its studies there.

    Several runs may share a storage, so that a name must say whose it is.
    """

    storage: BaseStorage = field(default_factory=optuna.storages.InMemoryStorage)
    prefix: str = ""


def in_file(path: Path) -> Studies:
    """Keep the studies of one run in a SQLite file of its own."""
    return Studies(_database(f"sqlite:///{path}"))


def open_storage(address: str) -> BaseStorage:
    """Open a database or Redis by its address, or a journal file by its path.

    Raises:
        InputError: it cannot be opened; a password in the address is not shown.
    """
    try:
        if "://" not in address:
            _refuse_database(Path(address))
            return JournalStorage(JournalFileBackend(address))
        if address.startswith("redis"):
            return JournalStorage(JournalRedisBackend(address))
        return _database(address)
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split("\n")[0].split()).rstrip(".")
        raise InputError(
            masked(
                f"--storage {address} cannot be opened: {type(error).__name__}: {reason}. Give an"
                " address such as sqlite:///trials.db, or the path of a journal file."
            )
        ) from error


def _database(address: str) -> RDBStorage:
    wait = {"connect_args": {"timeout": PATIENCE}} if address.startswith("sqlite") else {}
    return RDBStorage(address, engine_kwargs=wait)


def _refuse_database(path: Path) -> None:
    """Keep a path that means a SQLite file from becoming a journal file of that name."""
    if path.suffix in (".db", ".sqlite", ".sqlite3"):
        raise InputError(
            f"--storage is {str(path)!r}, but an address is expected for a database: write"
            f" sqlite:///{path}."
        )
