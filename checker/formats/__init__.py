"""Files, CSV tables, timestamps and text: parts that know nothing of submissions.

They may import records and errors.
"""
