"""Access control: which requests are accepted, and the URLs of the server itself."""
