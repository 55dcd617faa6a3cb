"""The calls of clients, read from a journal or a HAR file and grouped by client."""
