"""The report as one HTML file: no script, nothing from elsewhere, good on a screen and on paper."""
