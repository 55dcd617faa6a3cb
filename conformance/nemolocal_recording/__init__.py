"""Records the exchanges of a client with the cloud without its secrets, and learns from them."""
