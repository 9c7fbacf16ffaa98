"""How a model learns from a stream. Pure Python: no broker, no network, no clock of its own."""

from flows.learning.light_river import import_river_stream

import_river_stream()
