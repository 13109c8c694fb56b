"""A cell's output in pieces is one output."""

from nbformat.v4 import new_output

from checker.guest.host import streams


def told(*pieces):
    """Return the outputs of a cell that printed these (name, text) pieces one after the other."""
    outputs = []
    for name, text in pieces:
        outputs.append(new_output("stream", name=name, text=text))
        streams.join_last(outputs)
    return [(output.name, output.text) for output in outputs]


def test_pieces_of_one_stream_are_one_output():
    """What follows on the same stream is joined; another stream between them parts them."""
    assert told(("stdout", "a"), ("stdout", "b\n")) == [("stdout", "ab\n")]
    parted = [("stdout", "a"), ("stderr", "b"), ("stdout", "c")]
    assert told(*parted) == parted


def test_a_picture_is_never_joined():
    """Only streams are joined."""
    outputs = [new_output("stream", text="a"), new_output("display_data", {"text/plain": "b"})]
    streams.join_last(outputs)
    assert len(outputs) == 2


def test_a_progress_bar_leaves_its_last_state():
    """Earlier states of a line go, and whole lines stay."""
    bar = [("stdout", f"\r{step}/126 ====") for step in range(1, 127)]
    (printed,) = told(("stdout", "Epoch 1\n"), *bar, ("stdout", "\naccuracy: 0.91\n"))
    assert printed == ("stdout", "Epoch 1\n126/126 ====\naccuracy: 0.91\n")


def test_lines_of_windows_are_no_progress_bar():
    """A carriage return before a line's end keeps the line, also if a piece ends between the two."""
    assert streams.joined("one\r", "\ntwo\r\n") == "one\r\ntwo\r\n"


def test_a_long_text_keeps_both_its_ends():
    """The first and the last characters are kept, however many pieces come, and the cut is noted once."""
    pieces = [("stdout", "begin\n"), *[("stdout", "y" * 100_000)] * 50, ("stdout", "\nend\n")]
    ((_, text),) = told(*pieces)
    assert len(text) <= 2 * streams.LONGEST
    kept = streams.trimmed(text)
    assert kept.startswith("begin\n") and kept.endswith("\nend\n")
    assert kept.count(streams.CUT) == 1
