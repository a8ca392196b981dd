"""Requests that nobody thought of, at the whole gateway on the simulated upstream."""
