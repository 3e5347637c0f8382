"""Signing in and out, and changing one's own password."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from curator_app.sessions import SignInDesk
from curator_app.workspace import Workspace
from storage import accounts
from storage.accounts import Person
from storage.errors import Busy, InvalidRecord


@dataclass(frozen=True)
class NewSession:
    """A person who has just signed in, and the secret for their cookie."""

    person: Person
    secret: str


def sign_in(workspace: Workspace, *, name: str, password: str) -> NewSession | None:
    """Check a password and start a session; None when name and password do not belong together.

    Raises:
        Locked: too many failures; the message and `seconds` say for how long.
    """
    person = _check_password(workspace, name=name, password=password)
    if person is None:
        return None
    with workspace.db.write() as session:
        secret = _start(workspace, session=session, person=person)
        session.commit()
    return NewSession(person, secret)


def sign_in_by_link(workspace: Workspace, *, link: str) -> NewSession | None:
    """Use up a one-time link and start a session; None when the link is unknown, used or too old."""
    with workspace.db.write() as session:
        person = accounts.use_link(session=session, secret=link)
        if person is None:
            return None
        secret = _start(workspace, session=session, person=person)
        session.commit()
    return NewSession(person, secret)


def sign_out(workspace: Workspace, *, desk: SignInDesk, secret: str) -> None:
    """End the session that has this secret, if there is one."""
    with workspace.db.write() as session:
        accounts.end_session(session=session, secret=secret)
        session.commit()
    desk.forget()


def change_password(workspace: Workspace, *, desk: SignInDesk, person: Person, current: str, new: str) -> NewSession:
    """Set a person's own password, end their sessions everywhere, and start a fresh one for this browser.

    Raises:
        InvalidRecord: the present password is wrong, or the new one is too short, too long or the same.
        Locked: the present password was wrong too often.
    """
    if new == current:
        raise InvalidRecord("the new password is the present one; choose another")
    with workspace.db.read() as session:
        listed = accounts.list_accounts(session=session)
    has_password = any(account.has_password for account in listed if account.person.id == person.id)
    if has_password and _check_password(workspace, name=person.name, password=current) is None:
        raise InvalidRecord("the present password is wrong; type it again")
    with workspace.db.write() as session:
        accounts.set_password(session=session, name=person.name, password=new, actor=f"user:{person.name}")
        secret = _start(workspace, session=session, person=person)
        session.commit()
    desk.forget()
    return NewSession(person, secret)


def _check_password(workspace: Workspace, *, name: str, password: str) -> Person | None:
    """Return whose name and password these are; counts a failure.

    The slow hash runs in a session for reading, so that a flood of guesses does not hold up people's reviews. A
    failure is written there too. SQLite refuses that when somebody has written meanwhile; then it is done again in
    a session for writing, so no failure goes uncounted.
    """
    try:
        with workspace.db.read() as session:
            person = accounts.check_password(session=session, name=name, password=password)
            session.commit()
            return person
    except Busy:
        with workspace.db.write() as session:
            person = accounts.check_password(session=session, name=name, password=password)
            session.commit()
            return person


def _start(workspace: Workspace, *, session: Session, person: Person) -> str:
    ttl = timedelta(days=workspace.settings.session_days)
    return accounts.start_session(session=session, user_id=person.id, ttl=ttl)
