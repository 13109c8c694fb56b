"""TensorFlow, imported once for all tests of the guest."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from checker.guest.plain.hooks import Hooks


@pytest.fixture(scope="session")
def tf() -> Any:
    """TensorFlow as guests have it: one thread."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.keras.utils.set_random_seed(1)
    return tensorflow


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """Hooks that are undone when the test is over."""
    with Hooks() as opened:
        yield opened
