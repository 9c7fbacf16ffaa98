"""The whole platform on one machine: its parts, and the supervisor that runs them."""
