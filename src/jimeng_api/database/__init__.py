"""The one database that all stores share: its thread, its two backends, and how its tables came to be."""
