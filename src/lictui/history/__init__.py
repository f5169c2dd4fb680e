"""What was read, kept in SQLite; the only room that speaks SQL."""
