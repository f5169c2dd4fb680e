"""Shared test helpers: a fake clock, simulated servers, screen texts."""
