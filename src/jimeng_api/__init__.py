"""A gateway that gives Jimeng and Dreamina generation the shape of the OpenAI API."""
