"""Simulated license servers, for the demo and the tests.

Shares no code with `lictui.sources`: two independent readings of each protocol.
"""
