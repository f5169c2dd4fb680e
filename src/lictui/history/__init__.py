"""The local history in SQLite: the only package that uses SQL."""
