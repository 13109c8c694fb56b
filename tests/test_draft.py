"""New assignments: what is made of a CSV, and which CSVs are refused, with what to do about them."""

import ast
import json
import re
import tomllib

import drafts
import numpy as np
import pandas as pd
import pytest
from drafts import NAMES, ROWS, flowers

from checker.assignment import dataset, folders
from checker.assignment.scaffold import columns
from checker.errors import UsageError
from checker.records.assignment import DatasetNote
from checker.records.verdicts import Outcome
from checker.run import rules
from checker.run.rules import Exhibits

made, run = drafts.made, drafts.run


def code_of(path):
    cells = json.loads(path.read_bytes())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def rules_of(path):
    """The names that pytest finds rules by, in the file's order."""
    body = ast.parse(path.read_text("utf-8")).body
    taken = [each.name for node in body if isinstance(node, ast.ImportFrom) for each in node.names]
    assigned = [
        of.id for node in body if isinstance(node, ast.Assign) for of in node.targets if isinstance(of, ast.Name)
    ]
    return [name for name in (*taken, *assigned) if name.startswith("test_")]


# -- what is made ----------------------------------------------------------------------------------------


def test_a_new_folder_can_be_loaded(made):
    """The settings are read, the data lies beside them, and columns of words are named as no features."""
    folder, said = made
    found = folders.load(folder)
    data = dataset.load(found.data, folder=folder)
    assert (found.id, found.title, found.data.features) == ("tick_5", "Tick 5: flowers", NAMES)
    assert data.features.shape == (ROWS, 5)
    assert data.note.name == "flowers.csv"
    assert "colour is no feature: it holds no numbers" in said
    assert "checker reference tick_5" in said


def test_all_that_was_made_is_python(made):
    """Rules, hand-out, solution and examples can be parsed, and nothing of a template is left."""
    folder, _ = made
    sources = [code_of(path) for path in folder.rglob("*.ipynb")] + [(folder / "test_rules.py").read_text("utf-8")]
    assert len(sources) == 14
    for source in sources:
        ast.parse(source)
        assert not re.search(r"@[A-Z_0-9]+@", source)


def test_each_rule_has_an_example_that_differs_from_the_solution(made):
    """Every rule is named by one example; each example is the solution with something changed."""
    folder, _ = made
    wanted = rules_of(folder / "test_rules.py")
    expected = [tomllib.loads(path.read_text("utf-8")) for path in folder.glob("examples/*/expected.toml")]
    assert sorted(one["rule"] for one in expected) == sorted(wanted)
    sources = {code_of(path) for path in folder.glob("examples/*/notebook.ipynb")} | {
        code_of(folder / "solution.ipynb")
    }
    assert len(sources) == len(wanted) + 1


def test_a_new_rule_file_is_run_as_it_is(made):
    """The rules that a new folder picks are there, in its order, and none decides where nothing is known."""
    folder, _ = made
    exhibits = Exhibits(
        folders.load(folder), DatasetNote("flowers.csv", "ab" * 32, False), ROWS, (), None, None, None, (), None
    )
    found = rules.run(folder / "test_rules.py", exhibits)
    assert [result.name for result in found] == rules_of(folder / "test_rules.py")
    assert {result.outcome for result in found} == {Outcome.UNKNOWN}


def test_seeds_are_drawn_for_each(run, tmp_path):
    """Two assignments have different seeds, so that nobody knows one's splits from another."""
    flowers().to_csv("flowers.csv", index=False)
    for name in ("one", "two"):
        run("new", name, "--task", "regression", "--csv", "flowers.csv", "--target", "seeds")
    one, two = (folders.load(tmp_path / name).seeds for name in ("one", "two"))
    assert set(one.grading) != set(two.grading)
    assert len(one.grading) == len(one.further) == 10
    assert not set(one.further) & {*one.grading, *one.self_check}
    assert not set(one.grading) & set(one.self_check)
    assert (len(one.self_check), one.drawn) == (40, 5)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_without_a_csv_it_is_about_the_housing_data(run, tmp_path, task):
    """The housing data is not copied; practice data stands in for it."""
    code, said = run("new", "tick", "--task", task)
    assert code == 0, said
    found = folders.load(tmp_path / "tick")
    assert dataset.load(found.data, practice=True).features.shape == (20_640, len(found.data.features))
    assert not list((tmp_path / "tick").glob("*.csv"))


@pytest.mark.parametrize(
    ("names", "wanted", "as_text"),
    [
        (["10", "9", "2"], ("2", "9", "10"), True),
        (["True", "False", "True"], ("False", "True"), True),
        (['say "hi"', "back\\slash", "Weiß\u00e9"], ("Weiß\u00e9", "back\\slash", 'say "hi"'), False),
    ],
)
def test_classes_of_any_name_are_kept(run, tmp_path, names, wanted, as_text):
    """Classes that are numbers or truths are text everywhere; odd characters come through TOML and Python."""
    table = flowers().drop(columns="seeds")
    table["kind"] = table["kind"].map(dict(zip(["setosa", "versicolor", "virginica"], names, strict=True)))
    table.columns = [*(f'{name} "{i}" ä' for i, name in enumerate(table.columns[:-1])), "kind"]
    table.to_csv("flowers.csv", index=False)
    code, said = run("new", "tick", "--task", "classification", "--csv", "flowers.csv", "--target", "kind")
    assert code == 0, said
    found = folders.load(tmp_path / "tick")
    assert found.data.classes == wanted
    data = dataset.load(found.data, folder=tmp_path / "tick")
    assert np.bincount(data.labels).min() > 100
    handout = code_of(tmp_path / "tick" / "starter.ipynb").split("X_train")[0]
    cells = handout.replace("table.describe()", "")
    scope = {}
    exec(re.sub(r"import keras\n", "", cells), scope)
    assert ("dtype=" in handout) == as_text
    assert scope["y"].tolist() == data.labels.tolist()
    assert np.array_equal(scope["X"].to_numpy(), data.features)


@pytest.mark.parametrize(
    ("task", "target", "baseline"),
    [("classification", "kind", "majority_class"), ("regression", "seeds", "mean")],
)
def test_few_rows_are_allowed_with_a_warning(run, tmp_path, task, target, baseline):
    """Of 150 rows an assignment is made, with a larger tolerance, held against a guess; a warning says what few rows
    lead to, and of more rows there is none."""
    flowers(150).to_csv("few.csv", index=False)
    flowers().to_csv("more.csv", index=False)
    words = ("--task", task, "--target", target, "--csv")
    code, said = run("new", "few", *words, "few.csv")
    assert code == 0, said
    assert "few.csv has only 150 rows. Each seed holds out a fifth of them, 30, on which chance" in said
    _, more_said = run("new", "more", *words, "more.csv")
    assert "has only" not in more_said
    few, more = (folders.load(tmp_path / name).bar for name in ("few", "more"))
    assert few.baseline == baseline != more.baseline
    assert few.tolerance > 1.5 * more.tolerance
    assert not (tmp_path / "few" / "examples" / "few-rows").exists()
    assert "X_train[:60], " in code_of(tmp_path / "more" / "examples" / "few-rows" / "notebook.ipynb")


# -- what is refused -------------------------------------------------------------------------------------


def csv(**changes):
    return flowers().assign(**changes).to_csv(index=False).encode()


@pytest.mark.parametrize(
    ("content", "task", "target", "said"),
    [
        (b"\xff\xfe\x00", "regression", "seeds", "cannot be read as a CSV"),
        (b"", "regression", "seeds", "cannot be read as a CSV"),
        (b"a;b;seeds\n1;2;3\n", "regression", "seeds", "has 1 columns"),
        (csv(), "regression", "price", "has no column price"),
        (flowers(99).to_csv(index=False).encode(), "regression", "seeds", "has 99 rows; an assignment needs 100"),
        (csv(seeds=[None] + [1.5] * 599), "regression", "seeds", "In 1 rows seeds is empty"),
        (csv(seeds=1.5), "regression", "seeds", "is the same"),
        (csv(), "regression", "kind", "kind holds other values than numbers"),
        (csv(), "classification", "seeds", "different values; a classification has 2 to 50"),
        (
            csv(kind=["lone"] + ["many", "more"] * 299 + ["more"]),
            "classification",
            "kind",
            "cannot be learned: lone (1)",
        ),
        (
            flowers()[["height", "colour", "seeds"]].to_csv(index=False).encode(),
            "regression",
            "seeds",
            "1 columns of num",
        ),
        (
            pd.concat([flowers(300)] * 2).to_csv(index=False).encode(),
            "regression",
            "seeds",
            "100% of the rows are the same",
        ),
    ],
)
def test_what_would_go_wrong_later_is_refused_now(content, task, target, said):
    """A CSV of which no assignment can be made is refused in words."""
    with pytest.raises(UsageError) as caught:
        columns.describe(content, "flowers.csv", task, target)
    assert said in caught.value.message


def test_columns_that_tell_nothing_are_left_out():
    """A column that is constant, infinite, words, or the rows' numbers is no feature, and that is said."""
    found = columns.describe(
        csv(row=range(600), same=1.0, endless=[np.inf] + [1.0] * 599), "flowers.csv", "regression", "seeds"
    )
    assert found.features == NAMES
    assert [note.split(" is")[0] for note in found.notes] == ["colour", "kind", "row", "same", "endless"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tick", "--task", "clustering"], "--task clustering: there is classification and regression"),
        (["there", "--task", "regression"], "there is there already"),
        (["tick", "--task", "regression", "--csv", "there/a.csv"], "Which column is to be predicted?"),
        (["tick", "--task", "regression", "--csv", "no.csv", "--target", "a"], "no.csv cannot be read"),
        (["tick", "--task", "regression", "--csv", "there/a.txt", "--target", "a"], "no plain name"),
    ],
)
def test_wrong_usage_is_said(run, tmp_path, words, said):
    """A command that cannot be carried out ends with 2, says why, and makes nothing."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.csv").write_text("a,b,c\n1,2,3\n")
    (tmp_path / "there" / "a.txt").write_text("a,b,c\n1,2,3\n")
    code, text = run("new", *words)
    assert code == 2
    assert said in text
    assert not (tmp_path / "tick").exists()
