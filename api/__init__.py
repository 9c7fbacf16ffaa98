"""The HTTP side: predictions of live models, labels, metrics, and what is known of each project."""
