"""Files that a person may use: CSV, JSON and Excel, by a map of their columns."""
