"""Pictures, finished ones and those of callers: fetching them, checking them, keeping them."""
