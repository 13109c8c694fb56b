"""The protocol between host and guest: frames, and the host's bounded reading of them. This package may import
``keras_spec``, records and errors."""
