"""Waiting for the upstream: when to look again, and when to stop looking."""
