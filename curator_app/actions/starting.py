"""Making a workspace ready: schema, guidelines, starter scenarios, first people."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session

from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage import accounts, guidelines
from storage.accounts import Role
from storage.errors import NotFound
from storage.records import TaskKind

COMMAND_LINE = "command-line"
LINK_LIFE = timedelta(days=1)
GUIDELINES = Path(__file__).parent.parent / "guidelines"
DEMO_PEOPLE: dict[str, frozenset[Role]] = {
    "admin": frozenset({Role.ADMIN}),
    "ann": frozenset({Role.ANNOTATOR}),
    "ben": frozenset({Role.ANNOTATOR}),
}


def prepare_workspace(
    settings: Settings, *, starter: bool, people: Mapping[str, frozenset[Role]] | None = None
) -> tuple[Workspace, int]:
    """Make or upgrade a workspace and return (workspace, number of scenarios loaded now).

    What is there already stays as it is: guidelines that a maintainer wrote, people and their roles, items.
    """
    workspace = create_workspace(settings)
    with workspace.db.write() as session:
        _add_guidelines(session=session)
        known = {account.person.name for account in accounts.list_accounts(session=session)}
        for name, roles in (people or {}).items():
            if name not in known:
                accounts.add_user(session=session, name=name, roles=roles, actor=COMMAND_LINE)
        session.commit()
    return workspace, _load_starter(workspace) if starter else 0


def add_hazard_world(workspace: Workspace, *, count: int, seed: int) -> tuple[int, int]:
    """Add scenes of HazardWorld and return (number added now, number that was there before).

    Raises:
        StorageFull, StorageError: the blob store cannot take the pictures.
    """
    from pipeline.hazard_world import provider

    with workspace.db.write() as session:
        report = provider.add_hazard_world(
            session=session, blobs=workspace.blobs, count=count, seed=seed, overlap=workspace.settings.overlap
        )
        session.commit()
    return report.added, report.present_before


def make_links(workspace: Workspace, *, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (name, roles, secret of a fresh one-time link) for each name."""
    links = []
    with workspace.db.write() as session:
        people = {account.person.name: account.person for account in accounts.list_accounts(session=session)}
        for name in names:
            secret = accounts.make_link(session=session, name=name, ttl=LINK_LIFE, actor=COMMAND_LINE)
            roles = ", ".join(sorted(role.value for role in people[name].roles))
            links.append((name, roles, secret))
        session.commit()
    return links


def _add_guidelines(*, session: Session) -> None:
    for kind in TaskKind:
        path = GUIDELINES / f"{kind.value}.md"
        try:
            guidelines.current(session=session, kind=kind)
        except NotFound:
            markdown = path.read_text(encoding="utf-8")
            guidelines.add_version(session=session, kind=kind, markdown=markdown, author=COMMAND_LINE)


def _load_starter(workspace: Workspace) -> int:
    from pipeline.starter.loader import load_starter

    with workspace.db.write() as session:
        report = load_starter(
            session=session,
            blobs=workspace.blobs,
            taxonomy=workspace.taxonomy,
            overlap=workspace.settings.overlap,
        )
        session.commit()
    return report.added
