"""Citrix Cloud entitlements."""
