"""What several tests need: the real models and pictures that lie beside the repository."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# a machine that does other things besides must not fail a test by being slow
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.load_profile("default")

# a shell's background job ignores Ctrl+C, and so would every program that a test starts and interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real models and pictures; tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("WILDETECT_SHARED_DATA", beside))
    if not (folder / "golden.json").is_file():
        pytest.skip(f"real models and pictures are not in {folder} (set WILDETECT_SHARED_DATA)")
    return folder
