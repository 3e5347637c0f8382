"""People: who may do what. For the command line and the people page."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from curator_app.actions.starting import COMMAND_LINE, LINK_LIFE
from curator_app.settings import load_settings
from curator_app.workspace import Workspace, open_workspace
from storage import accounts
from storage.accounts import Person, Role
from storage.errors import Conflict, NotFound


@dataclass(frozen=True)
class PersonLine:
    """One line of the list of people."""

    name: str
    roles: str
    disabled: bool
    has_password: bool
    locked: bool
    tokens: tuple[str, ...]


class PeopleDesk:
    """Changes people on behalf of `actor`; each call is one transaction. `forget` runs after each change."""

    def __init__(self, workspace: Workspace, *, actor: str, forget: Callable[[], None] = lambda: None) -> None:
        self._db = workspace.db
        self._actor = actor
        self._forget = forget

    def list(self) -> list[PersonLine]:
        """Return everybody, by name."""
        now = datetime.now(UTC)
        with self._db.read() as session:
            return [
                PersonLine(
                    name=account.person.name,
                    roles=describe_roles(account.person),
                    disabled=account.disabled,
                    has_password=account.has_password,
                    locked=account.locked_until is not None and account.locked_until > now,
                    tokens=tuple(
                        token.label for token in accounts.list_tokens(session=session, name=account.person.name)
                    ),
                )
                for account in accounts.list_accounts(session=session)
            ]

    def add(self, *, name: str, roles: Iterable[str], password: str | None = None) -> Person:
        """Add a person.

        Raises:
            InvalidRecord: the name, a role or the password cannot be used.
            Conflict: the name is taken.
        """
        with self._change() as session:
            return accounts.add_user(session=session, name=name, roles=roles, password=password, actor=self._actor)

    def set_roles(self, *, name: str, roles: Iterable[str]) -> Person:
        """Replace a person's roles.

        Raises:
            NotFound: there is nobody of that name.
            InvalidRecord: a role is unknown.
            Conflict: nobody would be admin any more.
        """
        wanted = set(roles)
        with self._change() as session:
            if Role.ADMIN.value not in wanted:
                _keep_an_admin(session=session, without=name)
            return accounts.set_roles(session=session, name=name, roles=wanted, actor=self._actor)

    def set_disabled(self, *, name: str, disabled: bool) -> None:
        """Lock a person out, or let them in again.

        Raises:
            NotFound: there is nobody of that name.
            Conflict: nobody would be admin any more.
        """
        with self._change() as session:
            if disabled:
                _keep_an_admin(session=session, without=name)
            accounts.set_disabled(session=session, name=name, disabled=disabled, actor=self._actor)

    def set_password(self, *, name: str, password: str) -> None:
        """Set a person's password; their sessions end.

        Raises:
            NotFound: there is nobody of that name.
            InvalidRecord: the password cannot be used.
        """
        with self._change() as session:
            accounts.set_password(session=session, name=name, password=password, actor=self._actor)

    def make_link(self, *, name: str, ttl: timedelta = LINK_LIFE) -> str:
        """Return the secret of a fresh one-time link.

        Raises:
            NotFound: there is nobody of that name.
            Forbidden: the person is locked out.
        """
        with self._change() as session:
            return accounts.make_link(session=session, name=name, ttl=ttl, actor=self._actor)

    def make_token(self, *, name: str, label: str) -> str:
        """Return a fresh token.

        Raises:
            NotFound: there is nobody of that name.
            InvalidRecord: the label cannot be used.
            Conflict: the person has a token of that label.
            Forbidden: the person is locked out.
        """
        with self._change() as session:
            return accounts.make_token(session=session, name=name, label=label, actor=self._actor)

    def revoke_token(self, *, name: str, label: str) -> None:
        """Revoke a token.

        Raises:
            NotFound: there is no such person or token.
        """
        with self._change() as session:
            accounts.revoke_token(session=session, name=name, label=label, actor=self._actor)

    @contextmanager
    def _change(self) -> Iterator[Session]:
        with self._db.write() as session:
            yield session
            session.commit()
        self._forget()


@contextmanager
def open_desk() -> Iterator[PeopleDesk]:
    """Yield the desk of the command line, on the workspace of the settings.

    Raises:
        WorkspaceMissing: there is none.
    """
    workspace = open_workspace(load_settings())
    try:
        yield PeopleDesk(workspace, actor=COMMAND_LINE)
    finally:
        workspace.close()


def describe_roles(person: Person) -> str:
    """Return a person's roles as one line."""
    return ", ".join(sorted(role.value for role in person.roles)) or "no roles"


def _keep_an_admin(*, session: Session, without: str) -> None:
    listed = accounts.list_accounts(session=session)
    admins = {a.person.name for a in listed if Role.ADMIN in a.person.roles and not a.disabled}
    if without not in {account.person.name for account in listed}:
        raise NotFound(f"there is no user {without[:80]!r}; list the users for their names")
    if admins == {without}:
        raise Conflict(f"{without} is the only admin; give somebody else the role first")
