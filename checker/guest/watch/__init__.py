"""What students' code does, noted while it does it: models, calls of ``fit``, own loops, TensorFlow 1 graphs."""
