"""The simulated upstream, asked as clients in the wild ask the real one."""
