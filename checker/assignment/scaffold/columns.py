"""Find a CSV's features, target and classes for a new assignment, and problems with the data.

Data on which the checker would fail later is refused now: duplicate rows, gaps in the target, classes too rare to be
split.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from checker.assignment.folders import PLAIN_CSV
from checker.errors import UsageError

FEWEST_ROWS = 100
"""With fewer rows, a training part has fewer than the 50 rows that row matching needs."""
FEW_ROWS = 500
"""With fewer rows, too few are held out, and chance decides many verdicts."""
MOST_FEATURES = 500
MOST_CLASSES = 50
FEWEST_OF_A_CLASS = 5
"""Needed so that each class has a row in the held-out split."""
ALIKE = 0.02
"""Largest share of duplicate rows: a student's rows can be traced if nineteen of twenty are unique."""


@dataclass(frozen=True)
class Columns:
    """A CSV's columns, by purpose.

    ``classes``: the target's values in order, none for a regression. ``needs_text``: pandas would not read them as
    text. ``spread``: the standard deviation of a regression's target. ``notes``: remarks for lecturers.
    ``warning``: why verdicts will be uncertain, or "".
    """

    file: str
    csv: bytes
    rows: int
    target: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    needs_text: bool
    spread: float
    notes: tuple[str, ...]
    warning: str = ""

    @property
    def are_few(self) -> bool:
        """Whether the rows are so few that chance decides many verdicts."""
        return self.rows < FEW_ROWS


def describe(csv: bytes, file: str, task: str, target: str) -> Columns:
    """Return a CSV's columns.

    Raises UsageError, with advice, if the CSV is unsuitable for an assignment.
    """
    if PLAIN_CSV.fullmatch(file) is None:
        raise UsageError(f"{file} is no plain name that ends in .csv.", "Rename it, say to data.csv.")
    table = _table(csv, file)
    if target not in table.columns:
        raise UsageError(f"{file} has no column {target}.", f"There are: {', '.join(table.columns)}.")
    if len(table) < FEWEST_ROWS:
        raise UsageError(f"{file} has {len(table):,} rows; an assignment needs {FEWEST_ROWS}.")
    if gaps := int(table[target].isna().sum()):
        raise UsageError(f"In {gaps:,} rows {target} is empty.", "Take these rows out.")
    classes = _classes(csv, table, target) if task == "classification" else ()
    spread = 0.0 if classes else _spread(table, target)
    others = table.drop(columns=target)
    left_out = dict(_left_out(others))
    features = tuple(name for name in others.columns if name not in left_out)
    _require_features(table, features, file)
    notes = tuple(f"{name} is no feature: {reason}." for name, reason in left_out.items())
    needs_text = bool(classes) and not pd.api.types.is_string_dtype(table[target])
    warning = _warning(len(table), file)
    return Columns(file, csv, len(table), target, features, classes, needs_text, spread, notes, warning)


def _warning(rows: int, file: str) -> str:
    if rows >= FEW_ROWS:
        return ""
    return (
        f"{file} has only {rows} rows. Each seed holds out a fifth of them, {round(rows / 5)}, on which chance moves a "
        "score by much, so that honest work may be REFER. `checker reference` says how often."
    )


def _table(csv: bytes, file: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(io.BytesIO(csv))
    except (ValueError, OverflowError) as error:  # pandas' own errors, and bytes that are not UTF-8
        raise UsageError(f"{file} cannot be read as a CSV: {error}.", "Save it as UTF-8, with commas.") from error
    table.columns = table.columns.map(str)
    if len(table.columns) < 3:
        raise UsageError(
            f"{file} has {len(table.columns)} columns; two features and a target are needed.",
            "Separate columns by commas, and name them in the first line.",
        )
    return table


def _classes(csv: bytes, table: pd.DataFrame, target: str) -> tuple[str, ...]:
    """Return the classes in order, numeric ones by value.

    Raises UsageError if there are too few, too many, or classes with too few rows.
    """
    words = pd.read_csv(io.BytesIO(csv), dtype={target: str})[target]
    counts = words.value_counts()
    if not 2 <= len(counts) <= MOST_CLASSES:
        raise UsageError(
            f"{target} has {len(counts):,} different values; a classification has 2 to {MOST_CLASSES}.",
            "Is it a number to be predicted? Say --task regression." if len(counts) > MOST_CLASSES else "",
        )
    rare = [f"{name} ({count})" for name, count in counts.items() if count < FEWEST_OF_A_CLASS]
    if rare:
        raise UsageError(
            f"Classes with fewer than {FEWEST_OF_A_CLASS} rows cannot be learned: {', '.join(rare)}.",
            "Take these rows out, or join classes.",
        )
    if pd.api.types.is_numeric_dtype(table[target]) and not pd.api.types.is_bool_dtype(table[target]):
        return tuple(sorted(map(str, counts.index), key=float))
    return tuple(sorted(map(str, counts.index)))


def _spread(table: pd.DataFrame, target: str) -> float:
    """Return the standard deviation of the target. Raises UsageError if it is not numeric or does not vary."""
    numbers = table[target]
    if not pd.api.types.is_numeric_dtype(numbers) or pd.api.types.is_bool_dtype(numbers):
        raise UsageError(f"{target} holds other values than numbers.", "Are they classes? Say --task classification.")
    spread = float(numbers.std())
    if not np.isfinite(spread) or spread == 0:
        raise UsageError(f"{target} is the same, or infinite, in all rows.")
    return spread


def _left_out(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield the columns that are not features, with the reason."""
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column):
            some = ", ".join(map(repr, column.dropna().unique()[:3]))
            yield str(name), f"it holds no numbers, but {some} …; students may use it all the same, say one-hot"
        elif not np.isfinite(column.to_numpy(dtype=np.float64, na_value=0.0)).all():
            yield str(name), "it holds infinite numbers"
        elif column.nunique() < 2:
            yield str(name), "it is the same in all rows"
        elif column.diff()[1:].eq(1).all():
            yield str(name), "it numbers the rows"


def _require_features(table: pd.DataFrame, features: tuple[str, ...], file: str) -> None:
    if not 2 <= len(features) <= MOST_FEATURES:
        raise UsageError(
            f"{file} has {len(features)} columns of numbers to learn from; 2 to {MOST_FEATURES} are needed."
        )
    complete = [name for name in features if table[name].notna().all()]
    if not complete:
        raise UsageError(f"Every column of numbers in {file} has gaps.", "Fill those of one column at least.")
    alike = table.duplicated(subset=complete, keep=False).mean()
    if alike > ALIKE:
        raise UsageError(
            f"{alike:.0%} of the rows are the same as another in {', '.join(complete)}: students' rows could not be "
            "told apart.",
            "Take doubles out, or fill gaps in more columns.",
        )
