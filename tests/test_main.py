"""Starting the program: where it cannot run, a sentence says why, and what to do."""

import ast
import subprocess
import sys

import pytest

from checker import __main__ as start

LAPTOP = ("Darwin", "arm64")


def has(*missing):
    """Whether a package is installed, on a machine without these."""
    return lambda name: name not in missing


@pytest.mark.parametrize("python", [(3, 11), (3, 12), (3, 13)])
def test_it_runs_where_tensorflow_does(python):
    """These versions, with everything installed, need no words."""
    assert start.unfit(python, LAPTOP, has()) == ""


@pytest.mark.parametrize("python", [(3, 10), (3, 14), (4, 0)])
def test_another_python_is_named(python):
    """The message names the version that runs, those that would do, and the line to type."""
    words = start.unfit(python, LAPTOP, has("tensorflow"))
    assert f"this is Python {python[0]}.{python[1]}." in words
    assert "Python 3.11 to 3.13" in words
    assert "uvx --python 3.12 --from" in words


def test_missing_packages_are_named():
    """All at once, with the Python that lacks them."""
    words = start.unfit((3, 12), LAPTOP, has("tensorflow", "rich"))
    assert f"{sys.executable} lacks packages that the checker needs: tensorflow, rich." in words


def test_an_intel_mac_is_sent_elsewhere():
    """TensorFlow is not made for it, so there is nothing to install."""
    words = start.unfit((3, 12), ("Darwin", "x86_64"), has("tensorflow", "tf_keras"))
    assert "Intel" in words
    assert "Colab" in words


def test_without_any_package_it_is_a_sentence(root):
    """A Python that has only its standard library prints no traceback, and ends as after wrong usage."""
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "checker", "self-check", "x"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "lacks packages that the checker needs: tensorflow," in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_older_pythons_can_read_as_far_as_the_check(root, name):
    """What runs before the check has no syntax newer than Python 3.8."""
    ast.parse((root / "checker" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_installed_program_starts_there_too(root):
    """The console script begins with the same check."""
    assert 'checker = "checker.__main__:main"' in (root / "pyproject.toml").read_text(encoding="utf-8")
