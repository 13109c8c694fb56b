"""The course's files in a box: every usual way to read the data set leads to the checker's copy.

Theory of operation: the CSV lies at the paths that the hand-out uses. If a file of that name is read from a path that
does not exist (another folder, Google Drive, a Windows path, a URL), our copy is read instead. If a file that was
uploaded is read from a wrong path, the uploaded file is read. A replacement by a file of another name is noted. For the
housing data, the California data sets of scikit-learn and Keras, which would be downloaded, are made from our copy.
"""

import builtins
import functools
import importlib
import io
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core import interactiveshell

from checker.guest.plain.hooks import Hooks
from checker.guest.plain.notes import Note

HOUSING = "housing.csv"
CSV = re.compile(r"(?i)hous\w*[ _\-().\d\w]*\.csv$")
TARBALL = re.compile(r"(?i)housing[\w.\-]*\.tgz$|housing[\w.\-]*\.tar\.gz$")
ZIP = re.compile(r"(?i)(?:.*hous.*|archive)\.zip$")
ZIPPED = "housing.csv.zip"
SAMPLE = re.compile(r"california_housing_(train|test)\.csv")
"""Names in use for the data set, its tarball, its zip, and Colab's sample of it."""

Own = Callable[[str], Path | None]
"""Returns the only uploaded file of a name, or None."""
Found = Callable[[Any], Any]
"""Returns the path to read instead of a path or URL: unchanged if it exists, or if we have no file for it."""
FOLDERS = (".", "data")
HOUSING_FOLDERS = (*FOLDERS, "housing", "datasets/housing", "../housing", "../DSPNP_practical1/housing")


def lay_out(folder: Path, name: str, csv: bytes) -> None:
    """Write the CSV to the paths that the hand-out uses, and the tarball that some notebooks on the housing data
    unpack."""
    for place in HOUSING_FOLDERS if name == HOUSING else FOLDERS:
        target = folder / place
        target.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(csv)
    if name == HOUSING:
        with tarfile.open(folder / "housing.tgz", "w:gz", compresslevel=1) as archive:  # smaller would take longer
            archive.add(folder / HOUSING, HOUSING)


def is_data(file: str, data: str) -> bool:
    """Whether this is the file name of the data set, or of an archive of it."""
    return file.lower() == data.lower() or (data == HOUSING and TARBALL.fullmatch(file) is not None)


def install(hooks: Hooks, folder: Path, name: str, tf: Any, own: Own, note: Note) -> Found:
    """Redirect reads of the data set, by path, URL and data set loader, to the copy in ``folder``, and reads of
    uploaded files to their real paths. Return the function that maps a path to the one to read."""
    import urllib.request

    import pandas as pd

    data = functools.partial(_find_housing, folder) if name == HOUSING else functools.partial(_find, folder / name)
    found = functools.partial(_find_any, data, own, lambda what: note(what.replace(f"`{folder}{os.sep}", "`")), name)
    opening = ((builtins, "open"), (io, "open"), (interactiveshell, "io_open"))  # modules', pathlib's, and cells'
    for owner, reader in (*opening, (pd, "read_csv"), (pd, "read_table")):
        hooks.replace(owner, reader, _redirected(getattr(owner, reader), found))
    hooks.replace(urllib.request, "urlretrieve", _retrieve(urllib.request.urlretrieve, found))
    hooks.replace(urllib.request, "urlopen", _opened(urllib.request.urlopen, found))
    hooks.replace_in_keras(tf.keras, "utils", "get_file", _get_file(tf.keras.utils.get_file, found))
    _request(hooks, found)
    if name == HOUSING:
        _make_california(hooks, folder / HOUSING, tf)
    return found


def _make_california(hooks: Hooks, csv: Path, tf: Any) -> None:
    """Make scikit-learn's and Keras's loaders build their California data from the CSV."""
    import sklearn.datasets

    loader = functools.partial(_fetch_california_housing, csv)
    functools.update_wrapper(loader, sklearn.datasets.fetch_california_housing)
    hooks.replace(sklearn.datasets, "fetch_california_housing", loader)
    load = functools.partial(_load_data, loader)  # legacy Keras never had it
    hooks.replace_in_keras(tf.keras, "datasets.california_housing", "load_data", load)


def _find_any(data: Callable[[Any], Any], own: Own, note: Note, name: str, wanted: Any) -> Any:
    """Return the file to read in place of one that does not exist: an uploaded one, or else the data set. Note it,
    unless the name is the data set's."""
    missing = _missing_name(wanted)
    handed_in = own(missing) if missing and not is_data(missing, name) else None
    if handed_in is not None:
        note(f"`{_shown(wanted)}` is not there; `{handed_in.name[:80]}`, which was handed in, was read")
        return str(handed_in)
    copy = data(wanted)
    if copy is not wanted and copy != wanted and not is_data(missing, name) and not SAMPLE.fullmatch(missing):
        note(f"`{_shown(wanted)}` was not handed in; the course's {name} was read in its place")
    return copy


def _shown(wanted: Any) -> str:
    text = " ".join(str(os.fspath(wanted)).replace("`", "'").split())
    return text if len(text) <= 120 else f"…{text[-120:]}"


def _find(csv: Path, wanted: Any) -> Any:
    """If ``wanted`` ends in the copy's name and does not exist, return the copy's path; otherwise return it
    unchanged."""
    return str(csv) if _missing_name(wanted).lower() == csv.name.lower() else wanted


def _missing_name(wanted: Any) -> str:
    """Return the file name at the end of a path or URL; empty if the path exists, or is no path."""
    if not isinstance(wanted, str | os.PathLike):
        return ""
    text = os.fspath(wanted)
    return re.split(r"[/\\]", text.split("?")[0])[-1] if isinstance(text, str) and not Path(text).exists() else ""


def _find_housing(folder: Path, wanted: Any) -> Any:
    """If ``wanted`` names the housing data, or something made from it, and does not exist, return our copy; otherwise
    return it unchanged."""
    name = _missing_name(wanted)
    if SAMPLE.fullmatch(name):
        _lay_out_sample(folder)
        return str(folder / name)
    if ZIP.match(name):
        with zipfile.ZipFile(folder / ZIPPED, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(folder / HOUSING, HOUSING)
        return str(folder / ZIPPED)
    return (
        str(folder / HOUSING) if CSV.search(name) else str(folder / "housing.tgz") if TARBALL.search(name) else wanted
    )


def _redirected(original: Callable[..., Any], found: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapper(path: Any, *args: Any, **kwargs: Any) -> Any:
        writing = original.__name__ == "open" and "r" not in str(args[0] if args else kwargs.get("mode", "r"))
        return original(path if writing else found(path), *args, **kwargs)

    return wrapper


def _retrieve(original: Callable[..., Any], found: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def urlretrieve(url: str, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        copy = found(url)
        if copy == url:
            return original(url, filename, *args, **kwargs)
        target = filename or Path(copy).name
        if not Path(target).exists() or not Path(target).samefile(copy):
            shutil.copyfile(copy, target)
        return target, None

    return urlretrieve


def _get_file(original: Callable[..., Any], found: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def get_file(fname: Any = None, origin: Any = None, *args: Any, **kwargs: Any) -> Any:
        copy = found(origin)
        return original(fname, origin, *args, **kwargs) if copy is origin else copy

    return get_file


def _opened(original: Callable[..., Any], found: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def urlopen(url: Any, *args: Any, **kwargs: Any) -> Any:
        copy = found(url)
        return original(url, *args, **kwargs) if copy is url else Path(copy).open("rb")

    return urlopen


def _request(hooks: Hooks, found: Found) -> None:
    """Answer ``requests.get`` for the data set's address, if requests is installed."""
    try:
        requests: Any = importlib.import_module("requests")
    except ImportError:
        return
    original = requests.get

    @functools.wraps(original)
    def get(url: Any, *args: Any, **kwargs: Any) -> Any:
        copy = found(url)
        if copy == url:
            return original(url, *args, **kwargs)
        answer = requests.Response()
        answer.status_code, answer.url, answer.encoding = 200, str(url), "utf-8"
        answer.raw = io.BytesIO(Path(copy).read_bytes())
        return answer

    hooks.replace(requests, "get", get)


def _lay_out_sample(folder: Path) -> None:
    """Colab's sample of the data: 17,000 rows and 3,000 rows, without proximity and without gaps."""
    import pandas as pd

    table = pd.read_csv(folder / HOUSING).drop(columns="ocean_proximity", errors="ignore").dropna()
    table = table.sample(frac=1.0, random_state=0)
    table[:17_000].to_csv(folder / "california_housing_train.csv", index=False)
    table[17_000:20_000].to_csv(folder / "california_housing_test.csv", index=False)


def _fetch_california_housing(
    csv: Path,
    *,
    data_home: Any = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """scikit-learn's California data, made from housing.csv: 20,640 rows, 8 features, target in $100,000.

    housing.csv lacks 207 bedroom counts that the original has. They are estimated as the row's rooms times the
    median ratio of bedrooms to rooms.
    """
    import pandas as pd
    from sklearn.utils import Bunch

    table = pd.read_csv(csv)
    bedrooms = table["total_bedrooms"]
    ratio = float((bedrooms / table["total_rooms"]).median())
    bedrooms = bedrooms.fillna(table["total_rooms"] * ratio)
    features = pd.DataFrame(
        {
            "MedInc": table["median_income"],
            "HouseAge": table["housing_median_age"],
            "AveRooms": table["total_rooms"] / table["households"],
            "AveBedrms": bedrooms / table["households"],
            "Population": table["population"],
            "AveOccup": table["population"] / table["households"],
            "Latitude": table["latitude"],
            "Longitude": table["longitude"],
        }
    )
    target = (table["median_house_value"] / 100_000.0).rename("MedHouseVal")
    data, values = (features, target) if as_frame else (features.to_numpy(), target.to_numpy())
    if return_X_y:
        return data, values
    return Bunch(
        data=data,
        target=values,
        frame=pd.concat([features, target], axis=1) if as_frame else None,
        target_names=["MedHouseVal"],
        feature_names=list(features.columns),
        DESCR=str(_fetch_california_housing.__doc__),
    )


def _load_data(
    fetch: Callable[..., Any], version: str = "large", path: str = "", test_split: float = 0.2, seed: int = 113
) -> Any:
    """Keras's California data: the same columns, shuffled and split as Keras does."""
    import numpy as np

    x, y = fetch(return_X_y=True)
    order = np.random.RandomState(seed).permutation(len(x))
    count = 600 if version == "small" else len(x)
    x, y = x[order[:count]].astype("float32"), (y[order[:count]] * 100_000.0).astype("float32")
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])
