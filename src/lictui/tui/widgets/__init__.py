"""The widgets that draw live figures, row by row, with Textual's line API."""
