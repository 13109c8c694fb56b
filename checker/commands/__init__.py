"""The subcommands, and the one place where errors become words and exit codes. It may import everything but
``guest``.
"""
