"""License Usage Insights."""
