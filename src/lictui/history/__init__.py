"""The local history in SQLite: the only package that uses SQL.

`store.History` is its front; CSV import and export, and the search for peaks, are modules of their
own, which start-up does not load.
"""
