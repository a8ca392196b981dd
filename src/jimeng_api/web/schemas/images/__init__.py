"""Requests for pictures and the answers to them: OpenAI's form, with Jimeng's own parameters beside it."""
