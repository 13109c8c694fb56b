"""A sentence on labels that differ from the data's, for a page. Pure."""

from checker.records.tracing import Tracing


def in_words(tracing: Tracing, label: str) -> str:
    """Return a sentence on the labels that differ from the data's; ``label``: the word for one of them.

    Labels that look shuffled may as well be sorted, or shifted by rows: they are in another order than the rows.
    """
    said = tracing.labels_in_words(label)
    return said.replace(f"The {label}s seem to be shuffled.", f"The {label}s are in another order than the rows.")
