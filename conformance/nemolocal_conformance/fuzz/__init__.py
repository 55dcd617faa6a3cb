"""Random scripts of valid and invalid calls, and a model of the responses that are allowed."""
