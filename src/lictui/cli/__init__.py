"""The doors: one module per command; the only rooms that print, read argv or exit."""
