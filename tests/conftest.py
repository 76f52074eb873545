"""One thread, no deadline: a shared machine's speed is nobody's bug."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("fitwell", deadline=None, derandomize=True)
settings.load_profile("fitwell")

DATA = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public data sets beside the checkout."""
    if not DATA.is_dir():
        pytest.skip("the public data sets are not beside this checkout")
    return DATA
