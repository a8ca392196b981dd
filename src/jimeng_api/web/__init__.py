"""The HTTP edge: OpenAI's wire forms in, domain requests down, results out."""
