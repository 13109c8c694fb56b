"""Decisions of demonstrators, and learning platforms: Moodle, nbgrader, Gradescope, GitHub Classroom. It may import
``report`` and what is below."""
