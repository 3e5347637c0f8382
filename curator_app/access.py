"""Who may do what: a policy on every route, and the gate that nobody passes without one.

The gate answers for the whole address space, Gradio's included, and refuses what it does not know: a path is
either public, or one of our own routes (whose policy `allow` checks), or on the short list of what the pages need
of Gradio. Everything else is not found, so an unused feature of Gradio cannot be a hole.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

import anyio.to_thread
from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from curator_app.api.errors import error_page, error_response, wants_page
from curator_app.sessions import SignInDesk, read_credential
from storage.accounts import Person, Role
from storage.errors import Forbidden

ANYBODY_SIGNED_IN: frozenset[Role] = frozenset()
REVIEWERS = frozenset({Role.ANNOTATOR, Role.ADJUDICATOR})
STUDY_PEOPLE = frozenset({Role.ANNOTATOR, Role.ADJUDICATOR, Role.MAINTAINER})
"""What each of them is shown of a study, `actions.study_reading` says."""
TRAINERS = frozenset({Role.TRAINER, Role.MAINTAINER})
"""Whoever trains sees releases and constitutions, and changes neither."""

PAGE_ROLES: dict[str, frozenset[Role]] = {
    "/": REVIEWERS,
    "/audit": REVIEWERS,
    "/failures": frozenset({Role.ANNOTATOR}),
    "/leakage": REVIEWERS,
    "/adjudicate": frozenset({Role.ADJUDICATOR}),
    "/progress": ANYBODY_SIGNED_IN,
    "/runs": frozenset({Role.MAINTAINER}),
    "/judge-runs": frozenset({Role.MAINTAINER}),
    "/training": TRAINERS,
    "/training-data": TRAINERS,
    "/constitutions": TRAINERS,
    "/wind-tunnel": TRAINERS,
    "/studies": STUDY_PEOPLE,
    "/label-studio": frozenset({Role.MAINTAINER}),
    "/items": frozenset({Role.MAINTAINER, Role.ADJUDICATOR}),
    "/releases": TRAINERS,
    "/people": frozenset({Role.ADMIN}),
}
"""Gradio page -> roles of which one is needed; the top bar offers them, or a page that it offers does."""

PUBLIC = re.compile(r"/(sign-in|link/[^/]*|signed-pictures/[^/]*|healthz|readyz|favicon\.ico|static/.*)")
OWN = re.compile(
    r"/(api/v1/.*|media/[^/]*|sign-out|account|account/password|releases/download/.*|runs/(report|config)/.*"
    r"|judge-runs/(report|leaderboard)|training/(report|data|judged)/.*|items/reply/.*|failures/map(/.*)?)"
)
BEARER = re.compile(r"/(api/v1/.*|media/[^/]*)")
GRADIO = (
    (
        frozenset({"GET", "HEAD"}),
        re.compile(
            r"/(config/?|assets/.*|svelte/.*|theme\.css|manifest\.json"
            r"|gradio_api/(theme\.css|startup-events|info/?|queue/(data|status)|heartbeat/[^/]*))"
        ),
    ),
    (frozenset({"POST"}), re.compile(r"/gradio_api/(queue/join|run/[^/]*/?|cancel|reset/?)")),
)
"""What the pages use of Gradio. No uploads, no files, no component server, no login of its own."""


@dataclass(frozen=True)
class Policy:
    """The declared access of a route; FastAPI calls it as a dependency. Async, so that it costs no thread."""

    roles: frozenset[Role] = field(default_factory=frozenset)
    public: bool = False

    async def __call__(self, request: Request) -> None:
        """Return if the person may go on.

        Raises:
            Forbidden: the person has none of the roles.
        """
        if not self.public:
            check_roles(person_of(request), self.roles)


def allow(*roles: Role) -> Any:
    """Return the dependency that declares a route's policy: one of `roles`, or with none anybody signed in."""
    return Depends(Policy(frozenset(roles)))


def allow_everybody() -> Any:
    """Return the dependency that declares a route open to anybody, signed in or not."""
    return Depends(Policy(public=True))


def check_roles(person: Person, roles: Iterable[Role]) -> None:
    """Return if the person has one of `roles`, or if none is asked for.

    Raises:
        Forbidden: the person has none of them.
    """
    wanted = sorted(roles)
    if wanted and not any(person.has(role) for role in wanted):
        names = " or ".join(role.value for role in wanted)
        have = ", ".join(sorted(role.value for role in person.roles)) or "none"
        raise Forbidden(f"this needs the role {names}; {person.name} has {have}. Ask an admin for the role")


def person_of(request: HTTPConnection) -> Person:
    """Return who sent a request that passed the gate."""
    person = request.scope["state"]["person"]
    assert isinstance(person, Person)
    return person


# Async though it waits for nothing: FastAPI would send a plain function to a thread.
async def _person_of(request: Request) -> Person:
    return person_of(request)


CurrentPerson = Annotated[Person, Depends(_person_of)]


def first_page(person: Person) -> str:
    """Return the first page that a person may open; who only trains begins with training."""
    if person.roles == {Role.TRAINER}:
        return "/training"
    for path, roles in PAGE_ROLES.items():
        if not roles or any(person.has(role) for role in roles):
            return path
    raise AssertionError("the progress page is open to everybody")


class Gate:
    """Lets nobody pass who has not said who they are, and nothing of Gradio that no page uses."""

    def __init__(self, app: ASGIApp, desk: SignInDesk) -> None:
        self.app = app
        self.desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with `scope["state"]["person"]` set, or answer it here."""
        if scope["type"] != "http" or PUBLIC.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        person = await self._find(connection)
        refusal = _refuse_stranger(connection) if person is None else _refuse_person(connection, person)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["person"] = person
        await self.app(scope, receive, send)

    async def _find(self, connection: HTTPConnection) -> Person | None:
        credential = read_credential(connection, bearer=BEARER.fullmatch(connection.scope["path"]) is not None)
        if credential is None or not credential.secret:
            return None
        known, person = self.desk.remembered(credential)
        if known:
            return person
        return await anyio.to_thread.run_sync(self.desk.find, credential)


def _refuse_stranger(connection: HTTPConnection) -> Response:
    path, method = connection.scope["path"], connection.scope["method"]
    if wants_page(path=path, accept=connection.headers.get("accept", "")):
        query = connection.scope["query_string"].decode("latin-1")
        target = path + (f"?{query}" if query else "")
        keep = method == "GET" and target != "/"
        return RedirectResponse(f"/sign-in?next={quote(target, safe='/')}" if keep else "/sign-in", status_code=303)
    message = "sign in first, or send a valid token as `Authorization: Bearer TOKEN`"
    return error_response(401, "unauthenticated", message, headers={"WWW-Authenticate": "Bearer"})


def _refuse_person(connection: HTTPConnection, person: Person) -> Response | None:
    path, method = connection.scope["path"], connection.scope["method"]
    if OWN.fullmatch(path):
        return None
    page = path.rstrip("/") or "/"
    if page in PAGE_ROLES and method in ("GET", "HEAD"):
        return _refuse_page(page, person)
    if any(method in methods and pattern.fullmatch(path) for methods, pattern in GRADIO):
        return None
    if wants_page(path=path, accept=connection.headers.get("accept", "")):
        return error_page(404, f"There is no page {path}.", title="Not found")
    return error_response(404, "not_found", "there is nothing at this address")


def _refuse_page(page: str, person: Person) -> Response | None:
    try:
        check_roles(person, PAGE_ROLES[page])
    except Forbidden as exc:
        if page == "/":
            return RedirectResponse(first_page(person), status_code=303)
        return error_page(403, str(exc), title="Not your page")
    return None
