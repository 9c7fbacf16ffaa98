"""The live dashboard: pages over the API."""
