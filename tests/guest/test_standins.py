"""Stand-ins of which a notebook needs something back, and Keras on TensorFlow whatever a cell asks for."""

import importlib
import importlib.util
import sys
from types import SimpleNamespace

import pytest

from checker.guest.compat import standins
from checker.guest.compat.standins import Progress, trange


@pytest.fixture
def notes(tmp_path, monkeypatch, hooks):
    """What was noted, while stand-ins can be imported."""
    csv = tmp_path / "housing.csv"
    csv.write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = set(sys.modules)
    found = []
    keras = SimpleNamespace(callbacks=SimpleNamespace(Callback=type("Callback", (), {})))
    standins.install(hooks, keras, csv, lambda wanted: wanted, found.append)
    yield found
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("tqdm", "wandb", "kagglehub", "gdown", "opendatasets"):
            del sys.modules[name]


def test_notebook_bars_of_an_installed_package_need_no_widgets(notes, tmp_path, monkeypatch):
    """Where tqdm is installed and the widgets are not, its notebook bars are silent, and the others are its own."""
    if importlib.util.find_spec("ipywidgets") is not None:
        pytest.skip("ipywidgets is installed here")
    (tmp_path / "tqdm").mkdir()
    (tmp_path / "tqdm" / "__init__.py").write_text("tqdm = list\n")
    (tmp_path / "tqdm" / "notebook.py").write_text("raise ImportError('IProgress not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    from tqdm import tqdm
    from tqdm.notebook import trange as of_notebooks

    assert (tqdm("ab"), list(of_notebooks(2))) == (["a", "b"], [0, 1])


def test_a_bar_gives_what_it_is_given():
    """``trange(20)`` yields 20 numbers; a bar counts, wraps, and takes whatever else is asked of it."""
    assert list(trange(20)) == list(range(20))
    assert list(trange(2, 10, 4, desc="epochs")) == [2, 6]
    bar = Progress(["a", "b"], desc="x")
    assert (len(bar), list(bar), bar.n) == (2, ["a", "b"], 2)
    with Progress(total=5) as bar:
        bar.update(3)
        bar.set_postfix(loss=1.0)
        bar.close()
    assert (bar.n, bar.total) == (3, 5)


def test_a_missing_bar_is_imported_anywhere(notes):
    """Whole, by part and in a function; it is said once per import that nothing is shown."""
    if importlib.util.find_spec("tqdm").origin is not None:
        pytest.skip("tqdm is installed here")
    from tqdm import tqdm
    from tqdm.notebook import trange as of_notebooks

    assert (list(tqdm([1])), list(of_notebooks(2))) == ([1], [0, 1])
    callback = importlib.import_module("tqdm.keras").TqdmCallback(verbose=0)
    assert type(callback).__mro__[1].__name__ == "Callback"
    assert set(notes) == {
        "`tqdm` is not part of the course environment; a stand-in took its place, which shows nothing"
    }


def test_a_logbook_remembers_settings(notes):
    """What ``wandb.init`` is given is in ``wandb.config``; a sweep names what is missing."""
    wandb = importlib.import_module("wandb")
    run = wandb.init(project="x", config={"epochs": 15})
    wandb.config.update({"rate": 0.1}, allow_val_change=True)
    assert (wandb.config.epochs, run.config["rate"]) == (15, 0.1)
    wandb.log({"loss": 1})
    with pytest.raises(ModuleNotFoundError, match="wandb"):
        wandb.agent("id", function=print)


def test_a_download_gives_the_data(notes, tmp_path):
    """As a folder, as a file, and in a folder of the data set's name."""
    place = importlib.import_module("kagglehub").dataset_download("camnugent/california-housing-prices")
    importlib.import_module("opendatasets").download("https://kaggle.com/camnugent/houses")
    importlib.import_module("gdown").download("https://drive.google.com/uc?id=1", "mine.csv")
    for path in (f"{place}/housing.csv", "houses/housing.csv", "mine.csv"):
        assert (tmp_path / path).read_text() == "a,b\n1,2\n"
