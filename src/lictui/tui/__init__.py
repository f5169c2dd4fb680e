"""The screen: draws frozen views and sends commands; knows no socket and no SQL."""
