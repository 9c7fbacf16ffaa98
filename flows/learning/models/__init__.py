"""Estimators of our own; each is a River estimator, or a part of one."""
