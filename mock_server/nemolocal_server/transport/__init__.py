"""Below ASGI: limits of a connection, and connections that can be cut."""
