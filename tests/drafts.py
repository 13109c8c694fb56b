"""A new assignment of each task, made from a table of flowers."""

import numpy as np
import pandas as pd
import pytest

ROWS = 600
NAMES = ("sepal length", "sepal width", "petal length", "petal width", "height")


def flowers(rows=ROWS):
    """Return a table of three kinds of flowers, and of their seeds. Both are non-linear functions of the lengths."""
    random = np.random.default_rng(5)
    x = random.normal(size=(rows, 5))
    bent = x[:, 0] * x[:, 1] + 0.5 * np.sin(2 * x[:, 2])
    table = pd.DataFrame(np.round([4, 3, 2, 1.2, 5] + [0.8, 0.4, 0.5, 0.2, 1] * x, 3), columns=NAMES)
    table["colour"] = random.choice(["red", "blue"], rows)
    table["seeds"] = np.round(2 + bent + 0.05 * random.normal(size=rows), 4)
    table["kind"] = np.array(["setosa", "versicolor", "virginica"])[
        np.digitize(bent, np.quantile(bent, [1 / 3, 2 / 3]))
    ]
    return table


@pytest.fixture
def run(tmp_path, program, monkeypatch):
    """Run the program in this process, in a folder of its own; return its exit code and its output."""
    monkeypatch.chdir(tmp_path)
    return program


@pytest.fixture(params=["classification", "regression"])
def made(request, run, tmp_path):
    """Make a new assignment of each task; return its folder and the command's output."""
    table = flowers()
    table.drop(columns="seeds" if request.param == "classification" else []).to_csv("flowers.csv", index=False)
    target = {"classification": "kind", "regression": "seeds"}[request.param]
    words = ("--task", request.param, "--csv", "flowers.csv", "--target", target)
    code, said = run("new", "tick_5", *words, "--title", "Tick 5: flowers")
    assert code == 0, said
    return tmp_path / "tick_5", said
