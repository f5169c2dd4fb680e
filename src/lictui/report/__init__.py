"""The monthly report, for those who never open a terminal: one builder, one writer a format."""
