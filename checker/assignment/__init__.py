"""An assignment's folder: settings, data, the students' bundle, and the scaffold of a new assignment. It may import
``scoring`` and the layers below."""
