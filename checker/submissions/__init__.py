"""What was handed in: submissions in a folder or a zip, and their fingerprints. No file is imported or run here.

``uploads`` lists and reads, ``naming`` tells whose files are whose, ``choice`` takes one file of each student, and
``companions`` tells which of the others lie beside it in the box. ``beside`` finds these for a file given alone.
``deadlines`` and ``extensions`` tell when it was due. This package may import ``source`` and what is below.
"""
