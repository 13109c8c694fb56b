"""What a student's code names, makes and needs, from its source alone: nothing runs. It may import records and
errors.
"""
