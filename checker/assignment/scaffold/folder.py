"""Write a new assignment's folder."""

import hashlib
import json
import math
import secrets
from pathlib import Path

from checker.assignment.folders import FILE, RULES, SOLUTION, STARTER
from checker.assignment.scaffold import examples
from checker.assignment.scaffold.columns import Columns
from checker.assignment.scaffold.notebooks import Cell, cells, filled, notebook
from checker.formats import files
from checker.scoring.metrics import GUESSES

HOUSING_URL = "https://raw.githubusercontent.com/ageron/handson-ml2/master/datasets/housing/housing.csv"
HOUSING_SHA256 = "8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e"
SMALL = 5_000
"""With fewer rows than this there are more seeds: scores vary more from seed to seed, and a training is cheap."""
POOL = 40
"""Seeds that self-checks draw from."""
STEPS = 5_000
"""Training steps of the solution, if there are enough rows."""
YOUR_CODE = Cell(True, "# Your code here")


def write(folder: Path, columns: Columns, title: str, is_housing: bool) -> None:
    """Write all files of a new assignment, with the data unless it is the published housing data."""
    blanks = _blanks(folder.name, columns, title, is_housing)
    task = "classification" if columns.classes else "regression"
    handout, own = (cells(filled(template, blanks)) for template in ("handout", task))
    solution = (*handout, *own)
    files.write(folder / FILE, filled("assignment", blanks))
    files.write(folder / STARTER, notebook((*handout, YOUR_CODE)))
    files.write(folder / SOLUTION, notebook(solution))
    files.write(folder / RULES, filled("rules", blanks))
    for example in examples.of_task(task, columns.rows, own[-1].source):
        place = folder / "examples" / example.name
        files.write(place / "notebook.ipynb", notebook(examples.spoiled(solution, example)))
        files.write(place / "expected.toml", example.expected)
    if not is_housing:
        files.write(folder / columns.file, columns.csv)


def _blanks(name: str, columns: Columns, title: str, is_housing: bool) -> dict[str, str]:
    """Return the values for the templates' blanks. JSON's strings and lists are also valid TOML and Python."""
    classes = columns.classes
    seeds = secrets.SystemRandom().sample(range(1, 100_000), 20 + POOL)
    graded, watched = (10, 5) if columns.rows < SMALL else (5, 3)
    steps = columns.rows * 0.64 / 32
    return {
        "ID": _quoted(name),
        "ID_NAME": "".join(letter for letter in name if letter not in '"\\'),
        "TITLE": " ".join(title.split()),
        "TITLE_TEXT": _quoted(title),
        "TASK": _quoted("classification" if classes else "regression"),
        "FILE": _quoted(columns.file),
        "FILE_NAME": columns.file,
        "URL": _quoted(HOUSING_URL if is_housing else ""),
        "SHA256": _quoted(HOUSING_SHA256 if is_housing else hashlib.sha256(columns.csv).hexdigest()),
        "TARGET": _quoted(columns.target),
        "TARGET_NAME": columns.target,
        "FEATURES": _listed(columns.features),
        "CLASSES": f"# In the order of their numbers.\nclasses = {_listed(classes)}\n" if classes else "",
        "GRADING": str(sorted(seeds[:graded])),
        "FURTHER": str(sorted(seeds[10 : 10 + graded])),
        "SELF_CHECK": str(sorted(seeds[20:])),
        "DRAWN": str(watched),
        "BAR": _bar(columns),
        "READ": _read(columns),
        "COLUMNS": _chosen(columns),
        "EPOCHS": str(min(max(round(STEPS / steps), 15), 150)),
        "OUTPUT_RULE": "test_output_is_one_distribution" if classes else "test_output_is_one_number",
        "LABELS_RULE": "test_labels_are_the_datas" if classes else "labels_are_the_datas",
        "TARGETS_RULE": "" if classes else '\ntest_labels_are_the_datas = labels_are_the_datas(label="target")\n',
        "LOSS_RULE": "test_loss_fits_labels_and_output" if classes else "test_loss_is_one_of_regression",
    }


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(words: tuple[str, ...]) -> str:
    """Return a list of texts, one per line if they do not fit on a single line."""
    line = f"[{', '.join(map(_quoted, words))}]"
    return line if len(line) < 100 else "[\n" + "".join(f"    {_quoted(word)},\n" for word in words) + "]"


def _bar(columns: Columns) -> str:
    """Return the settings of the bar. A regression's tolerance is a part of the target's standard deviation.

    With few rows the tolerance is larger, because scores vary more; and the baseline is a guess, because a linear model
    is then often as good as a network.
    """
    baseline = GUESSES["classification" if columns.classes else "regression"]
    if columns.classes:
        tolerance = 0.1 if columns.are_few else 0.05 if columns.rows < SMALL else 0.035
        return (
            "# Pass: mean accuracy at least the reference's minus the tolerance, and above the baseline, which is\n"
            '# "logistic_regression" or "majority_class".\n'
            f'metric = "accuracy"\ntolerance = {tolerance}\n'
            f'baseline = "{baseline if columns.are_few else "logistic_regression"}"\n'
            "# The bar lies no farther than this share of the way from the reference to the baseline.\nshare = 0.75"
        )
    share = 0.2 if columns.are_few else 0.1
    return (
        "# Pass: mean error at most the reference's plus the tolerance, and below the baseline's, which is\n"
        '# "linear_regression" or "mean". The metric is "rmse", "mae" or "r2"; all three are shown.\n'
        f'metric = "rmse"\ntolerance = {float(f"{share * columns.spread:.2g}")}\n'
        f'baseline = "{baseline if columns.are_few else "linear_regression"}"\n'
        "# The bar lies no farther than this share of the way from the reference to the baseline.\nshare = 0.75\n"
        '# The smallest amount in which errors are written, with its unit, as "$1" or "0.01 kg".\n'
        f'unit = "{_step(columns.spread)}"'
    )


def _step(spread: float) -> str:
    """Return the power of ten, from 1e-6 to 1, that is about a thousandth of ``spread``, as text."""
    decimals = min(max(math.ceil(-math.log10(spread / 1_000)), 0), 6)
    return f"{10.0**-decimals:.{decimals}f}"


def _read(columns: Columns) -> str:
    """Return the arguments of the hand-out's ``read_csv``; classes are read as text if pandas would convert them."""
    as_text = f", dtype={{{_quoted(columns.target)}: str}}" if columns.needs_text else ""
    return _quoted(columns.file) + as_text


def _chosen(columns: Columns) -> str:
    target = f"table[{_quoted(columns.target)}]"
    lines = [f"features = {_listed(columns.features)}"]
    if columns.classes:
        lines.append(f"classes = {_listed(columns.classes)}")
        lines.append(f"y = {target}.map({{name: number for number, name in enumerate(classes)}})")
    else:
        lines.append(f"y = {target}")
    return "\n".join([*lines, "X = table[features]"])
