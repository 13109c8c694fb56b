"""Hostile bytes: whatever they are, each parser reads or refuses them as it says, in bounded time and memory.

A few inputs in every run of the tests; many with ``python3 noxfile.py -s soak``.
"""

import sys
import time

import pytest
from amounts import times
from hypothesis import given
from hypothesis import strategies as st
from parsers import TARGETS

resource = pytest.importorskip("resource", reason="this system does not count memory")
SECONDS = 5.0
MIB = 64


@st.composite
def damaged(draw, seeds):
    """Honest bytes, of which parts are cut out, repeated, exchanged, or replaced by what parsers trip over."""
    data = bytearray(draw(st.sampled_from(seeds)))
    other = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        start = draw(st.integers(0, max(len(other) - 1, 0)))
        odd = st.sampled_from(ODDITIES) | st.binary(max_size=8) | st.just(other[start : start + 60])
        data[at:to] = draw(odd) * draw(st.sampled_from([1, 1, 1, 2, 300]))
    return bytes(data)


ODDITIES = [
    *(b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b";", b"\t", b"\r", b"\n", b"\0", b"\x1b", b"/", b"../"),
    *(b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"Infinity", b"9" * 5_000, b"1" * 400, b"{}", b"[]", b'""'),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", "\u202e\u2028".encode(), b"\\ud800", b"PK\x03\x04"),
    *(b"[" * 2_000, b'{"a":' * 2_000, b"(" * 300, b"-" * 3_000, b" " * 3_000, b"\n" * 3_000, b"lambda:" * 300),
]
"""What parsers trip over."""


def withstands(target, data):
    """Let a target read bytes, and see that it takes neither long nor much."""
    started, before = time.process_time(), peak_mib()
    target.read(data)
    assert time.process_time() - started < SECONDS
    assert peak_mib() - before < MIB


def peak_mib():
    """The most memory that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_honest_bytes_are_read(target):
    """Every parser reads its honest inputs."""
    for seed in target.seeds():
        target.read(seed)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@times(few=25)
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused(target, data):
    """Whatever becomes of honest bytes on their way, nothing but the documented error comes of it."""
    withstands(target, data.draw(damaged(target.seeds())))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@times(few=10)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(target, data):
    """Bytes that nobody meant to be anything are refused in the documented way."""
    withstands(target, data)
