"""IMDb: what its pages hold (`pages`), which comes next (`crawl`), saved files (`files`)."""
