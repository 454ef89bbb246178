"""Where reviews come from: one folder a site, and the one browser they share."""
