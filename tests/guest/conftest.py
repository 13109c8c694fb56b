"""TensorFlow, imported once for all tests of the guest."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from notes import HOOKED

from checker.guest.compat import adaptation


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
def unhooked(tf: Any) -> Iterator[None]:
    """Put back, after a test, what hooks replace in Keras."""
    homes = adaptation.homes(tf.keras, "models")
    owners = {name: next(kind for kind in tf.keras.Model.__mro__ if name in vars(kind)) for name in HOOKED}
    kept = [(owner, name, getattr(owner, name)) for name, owner in owners.items()]
    kept += [(home, "load_model", home.load_model) for home in homes]
    add_weight = tf.keras.layers.Layer.add_weight
    yield
    tf.keras.layers.Layer.add_weight = add_weight
    for owner, name, function in kept:
        setattr(owner, name, function)
