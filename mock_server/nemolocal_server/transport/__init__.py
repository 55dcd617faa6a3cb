"""Below ASGI: connection limits, and connections that can be cut."""
