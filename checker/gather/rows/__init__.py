"""Row matching: which rows of the data set a network was given, and how its inputs come from the data's columns.
Pure.
"""
