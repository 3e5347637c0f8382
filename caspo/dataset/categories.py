"""Our reading of the public data sets' categories as our six. None of it is the makers' or the paper's.

A category that fits none of ours, or several alike, is left unmapped: its rows have no constitution, so they are no
prompts of RL, and serve in preference pairs only. A config can map it (`categories`).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from storage.records import Category

MAPPINGS: Mapping[str, Mapping[str, Category]] = MappingProxyType(
    {
        "beavertails-v": MappingProxyType(
            {
                "animal_abuse": Category.VIOLENT,
                "horror_and_gore": Category.VIOLENT,
                "terrorism_or_extremism": Category.VIOLENT,
                "violence_and_physical_harm": Category.VIOLENT,
                "financial_and_academic_fraud": Category.ILLEGAL,
                "hacking_or_digital_crime": Category.ILLEGAL,
                "discriminatory_depictions": Category.HATE,
                "insulting_and_harassing_behavior": Category.HATE,
                "pornographic_content": Category.SEXUAL,
                "sexual_crimes": Category.SEXUAL,
                "identity_misuse_and_impersonation": Category.PRIVACY,
                "privacy_invasion_and_surveillance": Category.PRIVACY,
                "dangerous_behavior": Category.SELF_HARM,
                "harmful_health_content": Category.SELF_HARM,
            }
        ),
        "spa-vl": MappingProxyType({"unfair": Category.HATE}),
    }
)
UNMAPPED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "beavertails-v": (
            "deception_in_personal_relationships", "environmental_damage", "false_information",
            "psychological_harm_and_manipulation", "psychological_horror_and_dark_themes",
            "sensitive_information_in_key_areas",
        ),
        "spa-vl": (),
    }
)  # fmt: skip
"""What is known to have no counterpart. Of SPA-VL we know one category's name from a real row, so all others are."""


def map_category(data_set: str, own: str, given: Mapping[str, Category]) -> Category | None:
    """Return our category for a data set's own, a path such as `domain/category/sub-category`; None if there is none.

    The last part that is mapped counts, the config's mapping before ours; case and punctuation do not matter.
    """
    config = {slug(name): category for name, category in given.items()}
    for part in [slug(own), *map(slug, reversed(own.split("/")))]:
        if found := config.get(part) or MAPPINGS[data_set].get(part):
            return found
    return None


def slug(name: str) -> str:
    """Return a category's name in lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
