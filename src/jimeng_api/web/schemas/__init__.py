"""The bodies that callers send and receive."""
