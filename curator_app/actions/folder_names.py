"""Names that people give and that become folders."""

import re

from curator_app.errors import AppError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_folder_name(name: str, refusal: type[AppError], *, more: str = "") -> str:
    """Return the name.

    Args:
        name: As it was given.
        refusal: Raised where it cannot be a folder's name.
        more: Ends the sentence about it.
    """
    if not _NAME.fullmatch(name):
        raise refusal(
            f"the name {name[:80]!r} cannot be used: give 1 to 64 letters, digits, '.', '_' and '-', and begin with a "
            f"letter or digit{more}"
        )
    return name
