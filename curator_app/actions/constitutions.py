"""The constitutions of a workspace: the package's until somebody writes their own, then the newest of those."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import yaml

from caspo.constitution import Constitution, check_policy, list_constitutions, read_policies
from caspo.errors import ConstitutionInvalid
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from storage import constitutions
from storage.errors import NotFound
from storage.records import Category
from storage.tables import ConstitutionRow

Named = Literal["shipped", "workspace"]
SHIPPED: Literal["shipped"] = "shipped"
"""In place of a file: those of the package."""
WORKSPACE: Literal["workspace"] = "workspace"
"""In place of a file: those of the workspace, as they are now."""


class ConstitutionRefused(AppError):
    """A text cannot be a constitution; the message says why and what to do."""


@dataclass(frozen=True)
class Version:
    """One version of a category's constitution; number 0 is what the package brings."""

    number: int
    constitution: Constitution
    author: str = ""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class History:
    """All versions of a category's constitution."""

    category: Category
    versions: tuple[Version, ...]
    """The oldest first: the package's, then the workspace's own."""

    @property
    def current(self) -> Version:
        """The one in use."""
        return self.versions[-1]

    def find(self, number: str) -> Version:
        """Return a version by its number.

        Raises:
            NotFound: there is none.
        """
        for version in self.versions:
            if str(version.number) == number:
                return version
        raise NotFound(f"the constitution {self.category.value} has no version {number[:40]!r}; choose one of its list")


def read_current(workspace: Workspace | None) -> Mapping[Category, Constitution]:
    """Return the constitution of every category as it is in use; without a workspace the package's.

    Raises:
        ConstitutionInvalid: a file of the package cannot be used.
    """
    shipped = list_constitutions()
    if workspace is None:
        return shipped
    with workspace.db.read() as session:
        own = {category: _make(row) for category, row in constitutions.list_newest(session=session).items()}
    return MappingProxyType({category: own.get(category, one) for category, one in shipped.items()})


def choose_constitutions(workspace: Workspace | None, source: str | None) -> Mapping[Category, Constitution]:
    """Return the constitutions that are named: `shipped`, `workspace`, or a YAML file; None: the workspace's.

    Raises:
        ConstitutionRefused: there is no workspace, or the file cannot be used.
    """
    if source == WORKSPACE and workspace is None:
        raise ConstitutionRefused("there is no workspace here whose constitutions could be used; name a file")
    try:
        if source == SHIPPED:
            return list_constitutions()
        return read_policies(Path(source)) if source not in (None, WORKSPACE) else read_current(workspace)
    except ConstitutionInvalid as exc:
        raise ConstitutionRefused(str(exc)) from exc


def write_policies(found: Mapping[Category, Constitution]) -> str:
    """Return constitutions as the YAML that `read_policies` reads."""
    texts = {category.value: one.text for category, one in found.items()}
    return yaml.safe_dump(texts, sort_keys=False, allow_unicode=True)


def list_histories(workspace: Workspace) -> list[History]:
    """Return the versions of all constitutions, in the order of `Category`."""
    return [read_history(workspace, category.value) for category in Category]


def read_history(workspace: Workspace, category: str) -> History:
    """Return the versions of one.

    Raises:
        NotFound: there is no such category.
    """
    if category not in set(Category):
        raise NotFound(f"there is no category {category[:80]!r}; there are {', '.join(Category)}")
    known = Category(category)
    shipped = Version(0, list_constitutions()[known])
    with workspace.db.read() as session:
        rows: Sequence[ConstitutionRow] = constitutions.list_versions(session=session, category=known)
        own = [Version(row.version, _make(row), row.author, row.reason, row.created_at) for row in rows]
    return History(known, (shipped, *own))


def save(workspace: Workspace, *, category: str, text: str, reason: str, based_on: str, actor: str) -> Version:
    """Save a text as a new version.

    Args:
        workspace: where.
        category: whose policy it is.
        text: the whole policy.
        reason: why.
        based_on: number of the version that was in use when the writing began.
        actor: who saves it.

    Raises:
        ConstitutionRefused: the text cannot be a constitution.
        InvalidRecord, Conflict: as `storage.constitutions.add_version`.
        NotFound: there is no such category.
    """
    history = read_history(workspace, category)
    text = check(text)
    if text == history.current.constitution.text:
        raise ConstitutionRefused(f"the text is that of version {history.current.number}, in use now; nothing to save")
    if not reason.strip():
        raise ConstitutionRefused("the reason is missing; say in a line what changes, and why")
    with workspace.db.write() as session:
        row = constitutions.add_version(
            session=session,
            category=history.category,
            text=text,
            reason=reason,
            author=actor,
            based_on=int(based_on) if based_on.isascii() and based_on.isdecimal() else -1,
        )
        session.commit()
        return Version(row.version, _make(row), row.author, row.reason, row.created_at)


def check(text: str) -> str:
    """Return a text that can be a constitution.

    Raises:
        ConstitutionRefused: it cannot.
    """
    try:
        return check_policy(text)
    except ConstitutionInvalid as exc:
        raise ConstitutionRefused(str(exc)) from exc


def _make(row: ConstitutionRow) -> Constitution:
    return Constitution(Category(row.category), f"workspace-{row.version}", row.text)
