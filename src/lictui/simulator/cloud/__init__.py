"""Citrix Cloud's licensing API, simulated.

Read it from `service` (which path answers what, to whom) over `login` (tokens) and `replies`
(errors) to `bodies` (field names) and `account` (the figures).
"""
