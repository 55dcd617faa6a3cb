"""The local server behind TLS: the one that answers in the cloud's name."""

import ssl

from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings


class SecuredServer(LocalServer):
    """A `LocalServer` that speaks HTTPS and nothing else; `base_url` says so."""

    def __init__(self, settings: Settings, context: ssl.SSLContext) -> None:
        super().__init__(settings)
        # A context that is in no file: uvicorn takes it once its configuration is loaded.
        config = self._server.config
        config.load()
        config.ssl = context
        self.base_url = self.base_url.replace("http://", "https://", 1)
