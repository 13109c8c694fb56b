"""Adaptations that let old and odd notebooks run: former names, missing packages, usual folders, the data's paths."""
