"""Dataflows that learn: what a project is, how a model learns, how events reach it."""
