"""The calls of httpx, which give up on a hang alone: a busy machine may be slow to answer."""

from functools import partial

import httpx

SECONDS = 120.0

get = partial(httpx.get, timeout=SECONDS)
post = partial(httpx.post, timeout=SECONDS)
put = partial(httpx.put, timeout=SECONDS)
request = partial(httpx.request, timeout=SECONDS)
Client = partial(httpx.Client, timeout=SECONDS)
