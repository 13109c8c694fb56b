"""Demonstrators' decisions, and learning platforms: Moodle, nbgrader, Gradescope, GitHub Classroom. It may import
``report`` and the layers below."""
