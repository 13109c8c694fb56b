"""Outputs by row as text: read back to the last bit, and nothing else is taken."""

import base64
import zlib

import numpy as np
import pytest

from checker.errors import EvidenceError
from checker.scoring.metrics import METRICS
from checker.scoring.outputs import as_predictions, by_row, packed, unpacked


def test_class_numbers_come_back():
    """Class scores become class numbers, which have the same accuracy, in a few bytes for many rows."""
    random = np.random.default_rng(1)
    scores, labels = random.random((4_128, 5)), random.integers(0, 5, 4_128)
    text = packed(by_row(scores))
    back = as_predictions(unpacked(text, 5, 4_128), 5)
    assert METRICS["accuracy"].measure(back, labels) == METRICS["accuracy"].measure(scores, labels)
    assert len(text) < 4_128


def test_values_come_back():
    """Values keep seven digits."""
    values = np.random.default_rng(1).normal(200_000, 50_000, 100)
    back = as_predictions(unpacked(packed(by_row(values)), 0, 100), 0)
    assert back == pytest.approx(values, rel=1e-7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not base64!", "damaged"),
        ("é", "damaged"),
        (base64.b64encode(b"not zlib").decode(), "damaged"),
        (packed(np.zeros(9, np.uint8)), "not those of 10 rows"),
        (packed(np.zeros(11, np.uint8)), "not those of 10 rows"),
        (base64.b64encode(zlib.compress(bytes(2**26), 9)).decode(), "not those of 10 rows"),
        (packed(np.full(10, 5, np.uint8)), "no classes"),
    ],
)
def test_what_is_no_such_text_is_refused(text, words):
    """Damaged text, another number of rows, a bomb and classes that there are not."""
    with pytest.raises(EvidenceError, match=words):
        unpacked(text, 5, 10)


def test_values_that_are_no_numbers_are_refused():
    """NaN would make every score NaN."""
    with pytest.raises(EvidenceError, match="no numbers"):
        unpacked(packed(np.array([1.0, np.nan], np.float32)), 0, 2)
