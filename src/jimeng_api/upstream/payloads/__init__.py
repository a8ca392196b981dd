"""Bodies that we send, built from domain requests. Pure: ids, seeds and times come in as parameters."""
