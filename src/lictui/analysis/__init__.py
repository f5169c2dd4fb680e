"""Pure functions on usage over time: aligned sums, peaks, statistics, trend and forecast."""
