"""Numbers and their nouns."""

import pytest

from checker.formats import text


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("The accuracy of 79.2% is worse.", "the accuracy of 79.2% is worse."),
        ("RMSE $65,000 is above it.", "RMSE $65,000 is above it."),
        ("Theano was found.", "Theano was found."),
        ("`Cell` is a name.", "`Cell` is a name."),
        ("", ""),
    ],
)
def test_after_a_colon_a_sentence_begins_small(of, said):
    """The first letter is small where the first word is no name."""
    assert text.continued(of) == said


@pytest.mark.parametrize(
    ("of", "said"),
    [((1, "row"), "1 row"), ((0, "row"), "0 rows"), ((2_000, "row"), "2,000 rows"), ((3, "box", "boxes"), "3 boxes")],
)
def test_a_noun_agrees_with_its_number(of, said):
    """One is singular, all else is plural; large numbers have separators."""
    assert text.counted(*of) == said
