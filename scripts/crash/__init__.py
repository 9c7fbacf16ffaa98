"""Killing a flow again and again, and comparing what it leaves with an undisturbed run."""
