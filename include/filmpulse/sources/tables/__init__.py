"""Files that a person may use: CSV, JSON lines and Excel, by a map of their columns."""
