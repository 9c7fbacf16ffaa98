"""Models trained at once on what the lake has kept, frozen, and compared with those that learn."""
