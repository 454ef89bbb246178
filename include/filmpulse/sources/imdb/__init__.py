"""IMDb: what its pages hold, which comes next (`crawl`), saved files (`files`), `source`."""
