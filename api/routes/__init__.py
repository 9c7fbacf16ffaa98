"""One module per noun; each offers a `router`."""
