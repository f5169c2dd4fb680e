"""Pure arithmetic on series of figures."""
