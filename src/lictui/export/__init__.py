"""What other monitoring systems read: plugin output, metrics, rules, templates, service files."""
