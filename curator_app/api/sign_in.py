"""The sign-in pages: password, one-time link, account, sign-out. Plain forms, no JavaScript.

Passwords are hashed slowly and with 64 MB each, so only a few are checked at once, outside the pool of threads
that serves everybody else; that is why these handlers are async.
"""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from curator_app.access import CurrentPerson, allow, allow_everybody, first_page
from curator_app.actions import sign_in as actions
from curator_app.actions.sign_in import NewSession
from curator_app.api.dependencies import CurrentDesk, CurrentWorkspace
from curator_app.errors import TooManySignIns
from curator_app.pages import render_page
from curator_app.sessions import COOKIE, clear_cookie, is_secure, set_cookie
from curator_app.settings import Settings
from storage.accounts import Locked, Person
from storage.errors import InvalidRecord
from storage.passwords import MAX_PASSWORD_LENGTH

T = TypeVar("T")

ROUTER = APIRouter(include_in_schema=False)
PUBLIC = allow_everybody()
SIGNED_IN = allow()

CHECKS_AT_ONCE = 4
MOST_WAITING = 40
WRONG = "Name and password do not belong together."
LINK = re.compile(r"[A-Za-z0-9_-]{20,128}")
LOCAL = re.compile(r"/(?![/\\])[\x21-\x7e]{0,500}")

Name = Annotated[str, Form(max_length=200)]
Password = Annotated[str, Form(max_length=MAX_PASSWORD_LENGTH)]


class SlowLane:
    """Runs password checks a few at a time, and refuses more than a queue's worth."""

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, check: Callable[[], T]) -> T:
        """Return what `check` returns, once there is room.

        Raises:
            TooManySignIns: too many are waiting already.
        """
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(CHECKS_AT_ONCE)
        if self._limiter.statistics().tasks_waiting >= MOST_WAITING:
            raise TooManySignIns("too many people are signing in at this moment; try again in a few seconds")
        return await anyio.to_thread.run_sync(check, limiter=self._limiter)


@ROUTER.get("/sign-in", dependencies=[PUBLIC])
async def show_sign_in(next: str = "/") -> Response:
    """The page with name and password."""
    return _sign_in_page(target=_local(next))


@ROUTER.post("/sign-in", dependencies=[PUBLIC])
async def sign_in(
    request: Request,
    workspace: CurrentWorkspace,
    name: Name = "",
    password: Password = "",
    next: Annotated[str, Form(max_length=600)] = "/",
) -> Response:
    """Check name and password; give the browser a session."""
    target = _local(next)
    name = name.strip()
    if not _storable(name) or not _storable(password):
        return _sign_in_page(target=target, error=WRONG, status=401)
    lane: SlowLane = request.app.state.slow_lane
    try:
        started = await lane.run(partial(actions.sign_in, workspace, name=name, password=password))
    except Locked as exc:
        wait = {"Retry-After": str(math.ceil(exc.seconds))}
        return _sign_in_page(target=target, name=name, error=str(exc), status=429, headers=wait)
    except TooManySignIns as exc:
        return _sign_in_page(target=target, name=name, error=str(exc), status=429, headers={"Retry-After": "5"})
    if started is None:
        return _sign_in_page(target=target, name=name, error=WRONG, status=401)
    return _enter(request, started, target=target, settings=workspace.settings)


@ROUTER.get("/link/{secret}", dependencies=[PUBLIC])
async def show_link(secret: str) -> Response:
    """The page behind a one-time link. Looking at it uses nothing up, so a mail scanner cannot burn the link."""
    return render_page("link.html", title="Sign in", action=f"/link/{quote(secret, safe='')}")


@ROUTER.post("/link/{secret}", dependencies=[PUBLIC])
def use_link(request: Request, secret: str, workspace: CurrentWorkspace) -> Response:
    """Use a one-time link up; give the browser a session."""
    started = actions.sign_in_by_link(workspace, link=secret) if LINK.fullmatch(secret) else None
    if started is None:
        message = (
            "This link is unknown, was used before, or is too old. Ask an admin for a fresh one: "
            "curator users link NAME"
        )
        return render_page("notice.html", status=403, title="This link does not work", message=message)
    return _enter(request, started, target="/", settings=workspace.settings)


@ROUTER.post("/sign-out", dependencies=[SIGNED_IN])
def sign_out(request: Request, workspace: CurrentWorkspace, desk: CurrentDesk) -> Response:
    """End this browser's session."""
    actions.sign_out(workspace, desk=desk, secret=request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/sign-in", status_code=303)
    # Nothing of what was shown may stay in a browser that others use.
    response.headers["Clear-Site-Data"] = '"cache"'
    clear_cookie(response, secure=is_secure(request, workspace.settings))
    return response


@ROUTER.get("/account", dependencies=[SIGNED_IN])
async def show_account(person: CurrentPerson) -> Response:
    """Who you are, and the form for a new password."""
    return _account_page(person)


@ROUTER.post("/account/password", dependencies=[SIGNED_IN])
async def change_password(
    request: Request,
    person: CurrentPerson,
    workspace: CurrentWorkspace,
    desk: CurrentDesk,
    current: Password = "",
    new: Password = "",
) -> Response:
    """Set a new password; every other browser of the person is signed out."""
    if not _storable(current) or not _storable(new):
        return _account_page(person, error="The password holds characters that cannot be used.", status=422)
    lane: SlowLane = request.app.state.slow_lane
    change = partial(actions.change_password, workspace, desk=desk, person=person, current=current, new=new)
    try:
        started = await lane.run(change)
    except InvalidRecord as exc:
        return _account_page(person, error=_sentence(exc), status=422)
    except Locked as exc:
        return _account_page(person, error=_sentence(exc), status=429)
    response = _account_page(person, done="Your password is changed.")
    secure = is_secure(request, workspace.settings)
    set_cookie(response, secret=started.secret, settings=workspace.settings, secure=secure)
    return response


def _enter(request: Request, started: NewSession, *, target: str, settings: Settings) -> Response:
    where = first_page(started.person) if target == "/" else target
    response = RedirectResponse(where, status_code=303)
    set_cookie(response, secret=started.secret, settings=settings, secure=is_secure(request, settings))
    return response


def _sign_in_page(
    *, target: str, name: str = "", error: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return render_page(
        "sign_in.html", status=status, headers=headers, title="Sign in", next=target, name=name, error=error
    )


def _account_page(person: Person, *, error: str = "", done: str = "", status: int = 200) -> Response:
    roles = ", ".join(sorted(role.value for role in person.roles)) or "none yet; ask an admin"
    return render_page(
        "account.html", status=status, title="Your account", name=person.name, roles=roles, error=error, done=done
    )


def _local(target: str) -> str:
    """Return `target` when it is a path of this app, else the front page: nobody is sent to another site."""
    return target if LOCAL.fullmatch(target) else "/"


def _storable(value: str) -> bool:
    return "\x00" not in value and all(not 0xD800 <= ord(character) <= 0xDFFF for character in value)


def _sentence(exc: Exception) -> str:
    text = str(exc)
    return text[:1].upper() + text[1:] + "."
