"""Files, CSV tables, timestamps and text, independent of submissions.

These modules may import records and errors.
"""
