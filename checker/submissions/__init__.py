"""What was handed in: find submissions in a folder or a zip, and fingerprint them. Nothing of theirs is imported, run
or even parsed here.

``files`` lists and reads, ``naming`` tells whose files are whose, ``choice`` takes one file of each student's.
"""

from checker.submissions.choice import find, misnamed, read

__all__ = ["find", "misnamed", "read"]
