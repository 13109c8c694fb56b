"""A new assignment: a folder that works at once, for any CSV with a column to predict.

``columns`` looks at the CSV and says what is wrong with it, ``notebooks`` fills the templates' notebooks, ``examples``
spoils the solution once for each rule, ``folder`` writes it all.
"""

from checker.commands.new import command

__all__ = ["command"]
