"""Signed-in accounts: who a caller is, which of the caller's sessions serves, and how they are kept."""
