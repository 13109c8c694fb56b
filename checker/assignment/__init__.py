"""An assignment's folder: settings, data, what students are given, and the draft of a new one. It may import
``scoring`` and what is below."""
