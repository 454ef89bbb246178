"""What keeps an installation well: rebuild, erase, drop what is old."""
