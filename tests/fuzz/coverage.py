"""Fuzz one target with atheris, which follows the branches an input takes: ``coverage.py TARGET [OPTIONS]``.

atheris is no part of the project's environment; install it in one of its own, where the project's packages are found
too. Options are libFuzzer's. Interesting inputs are kept in the first folder that is named, crashes in the working
directory.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))
with atheris.instrument_imports(include=["checker"]):
    from parsers import TARGETS


def main() -> None:
    """Fuzz until told to stop."""
    name = sys.argv.pop(1)
    target = next(target for target in TARGETS if target.name == name)
    corpora = [word for word in sys.argv[1:] if not word.startswith("-")]
    for folder in map(Path, corpora[:1]):
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(target.seeds()):
            (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, target.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
