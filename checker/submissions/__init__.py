"""Finds submissions in a folder or a zip, and their fingerprints. No file is imported or run here.

``uploads`` lists and reads files, ``naming`` assigns them to students, ``choice`` selects one file of each student, and
``companions`` selects the others that lie beside it in the box. ``beside`` finds these for a single file. ``deadlines``
and ``extensions`` decide timeliness. This package may import ``source`` and the packages below it.
"""
