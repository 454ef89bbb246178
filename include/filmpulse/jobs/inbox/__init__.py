"""Files that a person gives: into the inbox, then into the lake."""
