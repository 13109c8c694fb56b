"""Records students' training while their code runs: models, calls of ``fit``, custom loops, TensorFlow 1 graphs."""
