"""Does a server, or a client, keep the contract? Judged over HTTP, without importing either."""
