"""What tells apart rows of the data that agree with the same row of a table. Pure."""

from dataclasses import dataclass

from checker.records.arrays import Array


@dataclass(frozen=True)
class Labels:
    """The label of each row of a table, in the data's terms (n,); the data's own (m,); and how much two of one label
    may differ."""

    theirs: Array
    ours: Array
    tolerance: float

    def of(self, rows: Array) -> "Labels":
        """Return the labels of some of the table's rows."""
        return Labels(self.theirs[rows], self.ours, self.tolerance)
