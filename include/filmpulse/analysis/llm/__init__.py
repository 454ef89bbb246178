"""Reading reviews with a language model, through any OpenAI-compatible endpoint."""
