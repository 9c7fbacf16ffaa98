"""Kinds of learning: what each predicts, how it learns and how it is measured."""
