"""Reads an uploaded file as a notebook, and repairs it if only one meaning is possible."""
