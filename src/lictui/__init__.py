"""lictui: a terminal monitor for Citrix license servers."""

__version__ = "0.2.0"
