"""A stand-in for the upstream: it answers as the real sites do, and shares no code with the client."""
