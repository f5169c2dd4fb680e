"""The long-term engine: figures are pushed to it, and read from it where the history has none."""
