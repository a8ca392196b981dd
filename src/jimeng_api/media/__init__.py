"""Finished pictures: fetching them, checking them, keeping them."""
