"""The endpoints, one noun per file: read the request, ask the server, write the reply."""
