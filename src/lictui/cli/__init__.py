"""The commands, one module per group: the only package that prints, reads argv or exits."""
