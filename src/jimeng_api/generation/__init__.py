"""The use cases: what happens, in order, when somebody asks for a generation."""
