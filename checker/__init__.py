"""checker: a ticking system for a deep-learning practical."""

import importlib

__version__ = "0.1.0"


def load_ipython_extension(shell: object) -> None:
    """Let ``%load_ext checker`` give a notebook the magic ``%check``."""
    # Import by name: an import statement would put that module into the keys of all evidence.
    importlib.import_module("checker.notebook").load(shell)
