"""lictui: a license monitor for Citrix license servers, in a terminal."""

__version__ = "0.1.0"
