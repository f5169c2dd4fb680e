"""The engine: when to poll, who polls, and what is true now."""
