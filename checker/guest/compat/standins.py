"""Stand-ins for absent packages whose results a notebook uses: progress bars yield their items, a download returns the
data, an experiment log keeps its settings.

Theory of operation: a finder at the end of ``sys.meta_path`` makes them, so an installed package or a student's own
module of that name comes first. Everything else that such a package does is decoration. One installed module is
replaced: ``tqdm.notebook``, if ``ipywidgets``, with which it draws, is absent.
"""

import importlib
import importlib.util
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from checker.guest.compat.absent import Decoration
from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

Found = Callable[[Any], Any]
Make = Callable[[], dict[str, Any]]


def install(hooks: Hooks, keras: Any, csv: Path, found: Found, note: Note) -> None:
    """Make stand-ins importable, and keep Keras on TensorFlow."""
    callback = _callback(keras)
    bars = {"tqdm": Progress, "trange": trange, "tqdm_notebook": Progress, "tnrange": trange, "tqdm_pandas": _nothing}
    downloads = _Downloads(csv, found)
    contents: dict[str, dict[str, Any]] = {
        **{f"tqdm{part}": bars for part in ("", ".auto", ".autonotebook", ".notebook", ".std", ".gui", ".rich")},
        "tqdm.keras": {"TqdmCallback": callback},
        "keras_tqdm": {"TQDMCallback": callback, "TQDMNotebookCallback": callback},
        "fastprogress": {"progress_bar": Progress, "master_bar": Progress},
        "fastprogress.fastprogress": {"progress_bar": Progress, "master_bar": Progress},
        "alive_progress": {"alive_it": Progress, "alive_bar": Progress},
        "progressbar": {"progressbar": Progress, "ProgressBar": Progress},
        "livelossplot": {"PlotLossesKeras": callback, "PlotLossesKerasTF": callback},
        **{f"livelossplot{part}": {"PlotLossesCallback": callback} for part in (".keras", ".tf_keras")},
        "wandb": _wandb(),
        **{f"wandb{part}": dict.fromkeys(_WANDB, callback) for part in (".keras", ".integration.keras")},
        "wandb.integration": {},
        "kagglehub": {"dataset_download": downloads.folder, "login": _nothing, "dataset_load": downloads.table},
        "opendatasets": {"download": downloads.into},
        "gdown": {"download": downloads.file},
        "wget": {"download": downloads.as_file},
    }
    hooks.append(sys.meta_path, _Finder(contents, note))
    if importlib.util.find_spec("ipywidgets") is None:  # without it an installed tqdm raises at its first notebook bar
        hooks.insert(sys.meta_path, 0, _Finder({"tqdm.notebook": bars}, note))


class Progress:
    """A silent progress bar over an iterable."""

    def __init__(self, iterable: Any = None, *args: Any, **settings: Any) -> None:
        total = settings.get("total", iterable if isinstance(iterable, int) else None)
        self.iterable = range(total or 0) if iterable is None or isinstance(iterable, int) else iterable
        self.total = total
        self.n = 0

    def __iter__(self) -> Iterator[Any]:
        for item in self.iterable:
            yield item
            self.n += 1

    def __len__(self) -> int:
        return len(self.iterable)

    def __getitem__(self, at: Any) -> Any:
        return self.iterable[at]

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *ending: object) -> None:
        return None

    def __call__(self, iterable: Any = None, *args: Any, **settings: Any) -> "Progress":
        """Return a bar over another iterable, or this one if there is none."""
        return self if iterable is None else Progress(iterable)

    def update(self, n: int = 1, *args: Any, **settings: Any) -> None:
        """Advance the bar by ``n``."""
        self.n += n if isinstance(n, int | float) else 0

    @classmethod
    def write(cls, text: Any = "", *args: Any, **settings: Any) -> None:
        """Print text that would appear beside the bar."""
        print(text)

    @classmethod
    def pandas(cls, *args: Any, **settings: Any) -> None:
        """Add ``progress_apply`` to pandas."""
        import pandas as pd
        from pandas.core.groupby import DataFrameGroupBy, SeriesGroupBy

        owners: tuple[Any, ...] = (pd.DataFrame, pd.Series, DataFrameGroupBy, SeriesGroupBy)
        for owner in owners:
            owner.progress_apply = owner.apply
        series: Any = pd.Series
        series.progress_map = pd.Series.map

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


def trange(*bounds: int, **settings: Any) -> Progress:
    """Return a bar over a range."""
    return Progress(range(*bounds))


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def _callback(keras: Any) -> Any:
    class Watching(keras.callbacks.Callback):  # type: ignore[misc]
        """A callback that only shows something."""

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__()

    return Watching


_WANDB = ("WandbCallback", "WandbMetricsLogger", "WandbModelCheckpoint", "WandbEvalCallback")


class _Settings(dict[str, Any]):
    """Settings that can also be read and set as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *others: Any, **values: Any) -> None:
        values.pop("allow_val_change", None)
        for other in others:
            super().update(other if isinstance(other, dict) else vars(other))
        super().update(values)

    setdefaults = update


def _wandb() -> dict[str, Any]:
    """Weights & Biases without its server: a run has its settings, sweeps raise an error."""
    kept = _Settings()
    run = Decoration(config=kept)

    def init(*args: Any, config: Any = None, **settings: Any) -> Any:
        kept.update(config or {})
        return run

    def agent(*args: Any, **settings: Any) -> None:
        raise ModuleNotFoundError("`wandb` is not part of the course environment: its sweeps need a server")

    return {"init": init, "config": kept, "run": run, "agent": agent, "sweep": agent, "login": _nothing}


class _Downloads:
    """Supplies the data set instead of downloading a file."""

    def __init__(self, csv: Path, found: Found) -> None:
        self.csv, self.found = csv, found

    def folder(self, *args: Any, path: str | None = None, **settings: Any) -> str:
        """Return a folder that contains the data set; with ``path``, return the file's path."""
        place = Path.home() / "datasets" / self.csv.stem
        self._copy(place / self.csv.name)
        return str(place / self.csv.name if path else place)

    def table(self, *args: Any, **settings: Any) -> Any:
        """Return the data set as a table."""
        import pandas as pd

        return pd.read_csv(self.csv)

    def into(self, address: Any, data_dir: Any = ".", *args: Any, **settings: Any) -> None:
        """Copy the data set into a folder named after the last part of its address."""
        self._copy(Path(data_dir, str(address).rstrip("/").rpartition("/")[2], self.csv.name))

    def file(self, url: Any = None, output: Any = None, *args: Any, **settings: Any) -> str:
        """Copy the data set to the path to which a file would be downloaded."""
        target = Path(output or self.csv.name)
        target = target / self.csv.name if str(output or "").endswith(("/", os.sep)) or target.is_dir() else target
        copy = self.found(str(target))
        self._copy(target, self.csv if copy == str(target) else Path(copy))
        return str(target)

    def as_file(self, url: Any, out: Any = None, *args: Any, **settings: Any) -> str:
        """Copy the data set to the path that ``wget`` would choose."""
        return self.file(url, out or str(url).rpartition("/")[2].partition("?")[0])

    def _copy(self, target: Path, source: Path | None = None) -> None:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source or self.csv, target)


class _Finder:
    """Finds and makes stand-ins."""

    def __init__(self, contents: dict[str, dict[str, Any]], note: Note) -> None:
        self.contents, self.note = contents, note

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name in self.contents else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return types.ModuleType(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        top = module.__name__.partition(".")[0]
        vars(module).update(self.contents[module.__name__])
        module.__getattr__ = lambda name: self._part(module.__name__, name)  # type: ignore[method-assign]
        self.note(f"`{top}` is not part of the course environment; a stand-in took its place, which shows nothing")

    def _part(self, package: str, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inner = f"{package}.{name}"
        return importlib.import_module(inner) if inner in self.contents else Decoration()


def keep_tensorflow(hooks: Hooks, keras: Any, shell: Any, note: Note) -> None:
    """Keep Keras on TensorFlow, whatever backend the code selects, and note it."""

    def tell(backend: str) -> None:
        words = f"Keras was to run on {backend[:20].replace('`', '')}, which is not here; it ran on TensorFlow"
        note(f"{words}: the same layers, losses and optimizers")

    def set_backend(backend: Any) -> None:
        tell(str(backend))

    def look(result: Any) -> None:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend != "tensorflow":
            tell(backend)
            os.environ["KERAS_BACKEND"] = "tensorflow"

    for root in (keras, importlib.import_module("keras")):
        config: Any = getattr(root, "config", None)
        if hasattr(config, "set_backend"):
            hooks.replace(config, "set_backend", set_backend)
    shell.events.register("post_run_cell", look)
