"""Addresses of pictures that hold for a while: whoever has one sees that one picture, signed in or not, until it ends.

An address is signed with a key of the workspace (HMAC-SHA256 over the picture's hash and the time). The signature
stands in the query, which nothing here logs. Without the key file no address holds any more.
"""

import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from curator_app.errors import AppError, LabelStudioRefused
from curator_app.settings import Settings
from storage.errors import Forbidden

PATH = "/signed-pictures"
LIFE = timedelta(days=30)
RENEW_BEFORE = LIFE / 2
"""A push renews an address that has less than this left."""
KEY_FILE = "picture-urls.key"
_KEY_BYTES = 32
_UNTIL = re.compile("[0-9]{1,12}")


def read_key(settings: Settings) -> bytes | None:
    """Return the workspace's key; None: no address was ever signed.

    Raises:
        AppError: the file holds something else.
    """
    path = settings.home / KEY_FILE
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _KEY_BYTES:
        raise AppError(
            f"{path} holds no key of {_KEY_BYTES} bytes; remove it, and renew the addresses of pictures with "
            "`curator labelstudio push KIND --pictures url --renew`"
        )
    return key


def make_key(settings: Settings) -> bytes:
    """Return the workspace's key, which only its owner may read; it is made the first time, by one process of several.

    Raises:
        AppError: the file holds something else.
    """
    known = read_key(settings)
    if known is not None:
        return known
    path = settings.home / KEY_FILE
    part = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        path.hardlink_to(part)  # refuses when another process was first
    except FileExistsError:
        pass
    finally:
        part.unlink()
    made = read_key(settings)
    assert made is not None
    return made


def sign_picture(key: bytes, *, base: str, sha256: str, until: datetime) -> str:
    """Return the address of a picture that holds until a moment (whole seconds).

    Args:
        key: of the workspace.
        base: how browsers reach this app.
        sha256: of the picture.
        until: when it ends.
    """
    ends = str(int(until.timestamp()))
    return f"{base.rstrip('/')}{PATH}/{sha256}?until={ends}&signature={_sign(key, sha256, ends)}"


def check_reach(*, base: str, server: str) -> None:
    """Refuse to give addresses of this machine alone to people of another one.

    Raises:
        LabelStudioRefused: browsers that reach the server would not reach `base`.
    """
    if _is_here(base) and not _is_here(server):
        raise LabelStudioRefused(
            f"pictures would have addresses below {base}, which only this machine reaches, and Label Studio is at "
            f"{server}; set CURATOR_PUBLIC_URL to how browsers reach this app"
        )


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def check_signature(key: bytes | None, *, sha256: str, until: str, signature: str, now: datetime) -> None:
    """Return if the address holds.

    Raises:
        Forbidden: it was changed, or signed with another key, or has expired.
    """
    expected = _sign(key or secrets.token_bytes(_KEY_BYTES), sha256, until)
    given = signature.encode("utf-8", "backslashreplace")
    if not hmac.compare_digest(given, expected.encode()) or not _UNTIL.fullmatch(until):
        raise Forbidden("the address of this picture is not one that was given out; push to Label Studio with --renew")
    if now.timestamp() >= int(until):
        raise Forbidden("the address of this picture has expired; push to Label Studio once more, which renews it")


def read_until(address: object) -> int | None:
    """Return when an address of ours ends, in seconds of the epoch; None: it is none of ours."""
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
    except ValueError:
        return None
    if parts is None or f"{PATH}/" not in parts.path:
        return None
    until = parse_qs(parts.query).get("until", [""])[0]
    return int(until) if _UNTIL.fullmatch(until) else None


def _sign(key: bytes, sha256: str, until: str) -> str:
    said = f"picture {sha256} until {until}".encode("utf-8", "backslashreplace")
    return hmac.new(key, said, hashlib.sha256).hexdigest()
