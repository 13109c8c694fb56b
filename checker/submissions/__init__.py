"""What was handed in: find submissions in a folder or a zip, and fingerprint them. Nothing of theirs is imported, run
or even parsed here.

``files`` lists and reads, ``naming`` tells whose files are whose, ``choice`` takes one file of each student's, and
``companions`` tells which of the others lie beside it in the box. ``beside`` finds these for a file given alone.
"""

from checker.submissions.choice import find, misnamed, read, read_companion

__all__ = ["find", "misnamed", "read", "read_companion"]
