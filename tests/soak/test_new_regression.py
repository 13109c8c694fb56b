"""A regression of any CSV, the whole way, as the tests have it for a classification: five minutes."""

import pytest
from test_draft import made, run, walk_from_csv_to_reports  # noqa: F401  # fixtures


@pytest.mark.parametrize("made", ["regression"], indirect=True)
def test_from_a_csv_to_reports(made, tmp_path, root):  # noqa: F811  # the fixture, not the name
    """The reference passes, the hand-out fails, and each example fails the rule that it is there for."""
    walk_from_csv_to_reports(made, tmp_path, root)
