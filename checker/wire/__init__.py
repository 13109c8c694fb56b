"""The protocol between host and guest: frames, and the host's bounded reading of what a guest says. It may import
``keras_spec``, records and errors."""
