"""Who is behind a Gradio event, and whether they may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gradio as gr
from starlette.requests import cookie_parser

from curator_app.access import check_roles
from curator_app.errors import AppError
from curator_app.sessions import COOKIE, Credential, SignInDesk
from storage.accounts import Person, Role
from storage.errors import StorageError

PersonOf = Callable[[gr.Request], Person]


def make_person_of(desk: SignInDesk) -> PersonOf:
    """Return the function that every handler calls first.

    It looks the session up again for each event: an event that waited in a queue while its person was signed out
    is refused. The names that the browser or Gradio's own session sends are never believed.
    """

    def person_of(request: gr.Request) -> Person:
        headers = request.request.headers if request.request is not None else request.kwargs["headers"]
        secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        person = desk.find(Credential(secret, "session")) if secret else None
        if person is None:
            raise gr.Error("You are signed out. Open the sign-in page, then come back here.", print_exception=False)
        return person

    return person_of


def require(person: Person, *roles: Role) -> None:
    """Return if the person has one of the roles; otherwise the event ends with a plain message."""
    with plain_errors():
        check_roles(person, roles)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show our own errors to the person as they are; others stay a general failure."""
    try:
        yield
    except (StorageError, AppError) as exc:
        text = str(exc)
        raise gr.Error(text[:1].upper() + text[1:], print_exception=False) from exc
