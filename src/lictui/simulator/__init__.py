"""License servers that exist only here: for the demo and the tests.

Shares nothing with `lictui.sources`: two readings of one protocol that check each other.
"""
