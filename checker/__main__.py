"""``python -m checker``, and the program ``checker``.

This module runs on any Python 3. It checks that required packages are installed before it imports them.
"""

import platform
import sys
from collections.abc import Callable
from importlib.util import find_spec

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED = ("tensorflow", "tf_keras", "numpy", "pandas", "sklearn", "nbclient", "ipykernel", "pydantic", "typer", "rich")
"""Packages whose absence means that the checker was not installed correctly."""
WITH_UV = "Type: uvx --python 3.12 --from ADDRESS checker … (ADDRESS: where your course keeps the checker)."


def unfit(python: "tuple[int, int]", machine: "tuple[str, str]", has: "Callable[[str], bool]") -> str:
    """Return why the checker cannot run here, and what to do; "" if it can.

    ``python``: the version. ``machine``: the system and its processor. ``has``: whether a package is installed.
    """
    if not OLDEST <= python <= NEWEST:
        return (
            "The checker runs on Python 3.11 to 3.13, for which there is TensorFlow, and this is Python "
            "{}.{}.\n{}".format(*python, WITH_UV)
        )
    missing = [name for name in NEEDED if not has(name)]
    if not missing:
        return ""
    if "tensorflow" in missing and machine == ("Darwin", "x86_64"):
        return "There is no current TensorFlow for Macs with an Intel processor.\nUse Google Colab instead."
    return "{} lacks packages that the checker needs: {}.\n{}".format(sys.executable, ", ".join(missing), WITH_UV)


def main() -> None:
    """Run the program, or print what it lacks."""
    words = unfit(
        sys.version_info[:2], (platform.system(), platform.machine()), lambda name: find_spec(name) is not None
    )
    if words:
        print(words, file=sys.stderr)
        sys.exit(2)
    from checker.commands import app

    app.main()


if __name__ == "__main__":
    main()
