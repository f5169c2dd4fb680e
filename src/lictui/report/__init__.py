"""The monthly report for management: built once, written in several formats."""
