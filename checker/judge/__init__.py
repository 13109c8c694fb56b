"""From evidence to a verdict, its reasons and questions. Pure: no file, process, network, environment or thread, and no
import from ``gather``, ``run``, ``sandbox`` or ``guest``."""
