"""ASGI middlewares that belong to no other package."""
