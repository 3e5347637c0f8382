"""The taxonomy: six categories of the paper, our sub-categories, their mapping to VLSBench, and the quotas."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from pipeline.errors import BadContent
from storage.records import Category, Frozen
from storage.strict_yaml import read_own_yaml
from storage.texts import Line, Slug

TAXONOMY_FILE = Path(__file__).parent / "taxonomy.yaml"


class SubCategory(Frozen):
    """One kind of hazard within a category."""

    slug: Slug
    title: Line
    about: Line
    """What makes a scenario belong here."""
    vlsbench: tuple[Line, ...]
    """Nearest sub-categories of VLSBench (arXiv 2411.19939); empty where it has none."""
    quota: int = Field(ge=0)
    """Approved scenarios that a benchmark release should hold."""


class CategoryEntry(Frozen):
    """One of the six domains."""

    slug: Category
    title: Line
    sub_categories: tuple[SubCategory, ...] = Field(min_length=3)


class Taxonomy(Frozen):
    """All categories, in the order in which they are shown."""

    version: int = Field(ge=1)
    categories: tuple[CategoryEntry, ...]

    @model_validator(mode="after")
    def _check(self) -> "Taxonomy":
        if {entry.slug for entry in self.categories} != set(Category) or len(self.categories) != len(Category):
            raise ValueError(f"name each category once: {', '.join(Category)}")
        slugs = [sub.slug for entry in self.categories for sub in entry.sub_categories]
        twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        if twice:
            raise ValueError(f"sub-category used twice: {', '.join(twice)}")
        return self

    def category(self, slug: str) -> CategoryEntry:
        """Return a category by its slug.

        Raises:
            BadContent: there is none of that name.
        """
        for entry in self.categories:
            if entry.slug == slug:
                return entry
        raise BadContent(f"category {slug!r} is unknown; known: {', '.join(Category)}")

    def sub_category(self, slug: str) -> SubCategory:
        """Return a sub-category by its slug.

        Raises:
            BadContent: there is none of that name.
        """
        known = {sub.slug: sub for entry in self.categories for sub in entry.sub_categories}
        if slug not in known:
            raise BadContent(f"sub-category {slug!r} is unknown; known: {', '.join(known)}")
        return known[slug]

    def check_pair(self, *, category: str, sub_category: str) -> None:
        """Return if the sub-category belongs to the category.

        Raises:
            BadContent: one is unknown, or they do not belong together.
        """
        entry = self.category(category)
        self.sub_category(sub_category)
        slugs = [sub.slug for sub in entry.sub_categories]
        if sub_category not in slugs:
            raise BadContent(f"sub-category {sub_category!r} is not in {category!r}; it has: {', '.join(slugs)}")


@cache
def load_taxonomy(path: Path = TAXONOMY_FILE) -> Taxonomy:
    """Read the taxonomy file.

    Raises:
        BadContent: the file cannot be read or does not have its form.
    """
    try:
        return Taxonomy.model_validate(read_own_yaml(path))
    except (OSError, yaml.YAMLError, ValidationError) as exc:
        raise BadContent(f"taxonomy {path} cannot be used: {exc}") from exc
