"""Reads the names, files and faults in a student's code from its source and errors: nothing runs. This package may
import records and errors.
"""
