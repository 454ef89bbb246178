"""The catalogue: IMDb's datasets, loaded, searched, dropped."""
