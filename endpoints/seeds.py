"""Seeds: one number of the config, and from it one for everything that is drawn or asked."""

import hashlib

from storage.texts import canonical_json

SEED_BITS = 31  # what every server takes


def derive_seed(seed: int, *parts: str | int) -> int:
    """Return the seed (0 to 2**31 - 1) for what `parts` name; the same on every machine and in every process."""
    digest = hashlib.sha256(canonical_json([seed, *parts]).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)
