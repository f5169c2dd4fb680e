"""Calculations on usage over time: aligned sums, peaks, statistics, trend and forecast.

`columns`, `passage`, `peaks` and `usage_stats` load numpy: they are imported where they are used.
"""
