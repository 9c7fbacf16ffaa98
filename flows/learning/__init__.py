"""How a model learns from a stream. Pure Python: no broker, no network, no clock of its own."""
