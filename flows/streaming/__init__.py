"""The Bytewax side: the only part that knows bytewax, and the wiring of every flow."""
