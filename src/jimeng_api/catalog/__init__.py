"""What exists upstream, as data, and the pure rules that read it. Add a row here to support one more."""
