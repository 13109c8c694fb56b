"""A Report as a page, as terminal text, and as tables for other programs.

Everything here is a function of finished records: nothing is measured, judged or read from disk. Text that a
student wrote passes through ``text`` before it is shown anywhere.
"""
