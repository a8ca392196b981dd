"""The third party's web API: what we send, what it answers, what its errors mean."""
