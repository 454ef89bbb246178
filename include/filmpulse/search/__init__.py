"""Search titles and people by what a person types: fold words, read a query, rank what fits."""
