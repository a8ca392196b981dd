"""Generations that survive a restart."""
