"""What lets old and odd notebooks run: former names, missing packages, places that students know, the way to the
data.
"""
