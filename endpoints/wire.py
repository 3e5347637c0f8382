"""The connections to one chat server: what is the same in every call is settled once, and aiohttp does the rest.

The openai client settles the address and the headers. Its own transport would add nearly half to the CPU of a call.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

from endpoints.errors import BadReply

if TYPE_CHECKING:
    import aiohttp
    from openai import AsyncOpenAI

IDLE_S = 5.0
"""A connection that was not used for so long is not used again: many servers close it then."""


class Wire:
    """The pool of one event loop for calls to one path, with the headers that `client` sends."""

    def __init__(
        self, client: "AsyncOpenAI", path: str, *, connect_s: float, max_connections: int, max_reply_bytes: int
    ) -> None:
        """Set up the pool inside a running loop; nothing is sent yet.

        Args:
            client: Knows the server's address and the headers; some of their values say that there is none.
            path: What follows the address.
            connect_s: Seconds that connecting may take; the caller bounds the call as a whole.
            max_connections: Calls above that wait for a connection.
            max_reply_bytes: A longer reply is not read to its end.
        """
        import aiohttp
        import httpx2
        from yarl import URL

        self.loop = asyncio.get_running_loop()
        self.client = client
        self._url = URL(f"{client.base_url}{path}", encoded=True)
        self._proxy = find_proxy(self._url.scheme, self._url.host or "")
        self._max_reply_bytes = max_reply_bytes
        own = {"Connection": "keep-alive", **client.auth_headers, **client.default_headers}
        trusted = httpx2.create_ssl_context() if self._url.scheme == "https" else True
        connector = aiohttp.TCPConnector(limit=max_connections, keepalive_timeout=IDLE_S, ssl=trusted)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={name: value for name, value in own.items() if isinstance(value, str)},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def post(self, content: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Send one call; return the reply's status, its headers and its body.

        Raises:
            BadReply: The reply is compressed or too long. It is not read to its end.
            aiohttp.ClientError: No reply that is HTTP came whole.
        """
        async with self._session.post(self._url, data=content, proxy=self._proxy, allow_redirects=False) as response:
            return response.status, response.headers, await self._read(response)

    async def aclose(self) -> None:
        """Close the connections, the client's too, when their loop is the running one."""
        if self.loop is asyncio.get_running_loop():
            await self._session.close()
            await self.client.close()

    async def _read(self, response: "aiohttp.ClientResponse") -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise BadReply("the reply is compressed although that was declined")
        too_long = f"the reply is longer than {self._max_reply_bytes} bytes and was not read"
        if (response.content_length or 0) > self._max_reply_bytes:
            raise BadReply(too_long)
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_reply_bytes:
                raise BadReply(too_long)
            chunks.append(chunk)
        return b"".join(chunks)


def find_proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, ...) names for a host, if any."""
    if proxy_bypass(host):
        return None
    known: dict[str, Any] = getproxies()
    proxy = known.get(scheme) or known.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"
