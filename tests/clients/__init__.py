"""Unmodified clients, as their users install them, against the gateway."""
