"""The people page, for admins: who is here, new people, roles, links, tokens, locking out."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import gradio as gr

from curator_app.actions.people import PeopleDesk, PersonLine
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.sessions import SignInDesk
from curator_app.workspace import Workspace
from storage.accounts import ROLES, Role
from storage.errors import InvalidRecord, StorageError

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
WIDE: dict[str, Any] = {"scale": 2, "min_width": 420}
"""Room for the five roles in a line; on a phone they go below the name."""

Shown = tuple[str, str, Any]
"""The list as HTML, a message as HTML, and the choices of the list of names."""


@dataclass(frozen=True)
class _Handlers:
    """Turns changes into event handlers. Each one asks for the admin role itself, and ends with the fresh list."""

    workspace: Workspace
    desk: SignInDesk
    person_of: PersonOf

    def people_for(self, request: gr.Request) -> PeopleDesk:
        """Return the desk on which this admin works; ends the event for everybody else."""
        person = self.person_of(request)
        require(person, Role.ADMIN)
        return PeopleDesk(self.workspace, actor=f"user:{person.name}", forget=self.desk.forget)

    def show(self, request: gr.Request) -> Shown:
        """Show the list."""
        return self._finish(self.people_for(request), lambda people: "")

    def roles_of(self, name: str | None, request: gr.Request) -> list[str]:
        """Return the roles of a person for the form."""
        lines = self.people_for(request).list()
        return next((line.roles.split(", ") for line in lines if line.name == name and line.roles != "no roles"), [])

    def for_one(self, change: Callable[[PeopleDesk, gr.Request, Any], str]) -> Callable[..., Shown]:
        """Return the handler of a change that takes one value."""

        def handle(value: Any, request: gr.Request) -> Shown:
            return self._finish(self.people_for(request), lambda people: change(people, request, value))

        return handle

    def for_two(self, change: Callable[[PeopleDesk, gr.Request, Any, Any], str]) -> Callable[..., Shown]:
        """Return the handler of a change that takes two values."""

        def handle(first: Any, second: Any, request: gr.Request) -> Shown:
            return self._finish(self.people_for(request), lambda people: change(people, request, first, second))

        return handle

    def _finish(self, people: PeopleDesk, change: Callable[[PeopleDesk], str]) -> Shown:
        try:
            message = change(people)
        except StorageError as exc:
            message = tell(f"{str(exc)[:1].upper()}{str(exc)[1:]}.", kind="bad")
        with plain_errors():
            lines = people.list()
        return render_people(lines), message, gr.update(choices=[line.name for line in lines])


def build_people_page(pages: gr.Blocks, *, workspace: Workspace, desk: SignInDesk, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`."""
    gr.HTML(page_bar("people"), padding=False, apply_default_css=False, js_on_load=None)
    table = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    told = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    with gr.Column(elem_classes="cu-forms"):
        gr.Markdown("## Add somebody")
        with gr.Row():
            new_name = gr.Textbox(label="Name", info="Small letters, digits, . _ @ + -", max_length=64, max_lines=1)
            new_roles = gr.CheckboxGroup(list(ROLES), label="Roles", value=["annotator"], **WIDE)
        add = gr.Button("Add and make a sign-in link", variant="primary", elem_classes="cu-narrow")
        gr.Markdown("## Change somebody")
        with gr.Row():
            who = gr.Dropdown([], label="Person", value=None, allow_custom_value=True)
            roles = gr.CheckboxGroup(list(ROLES), label="Roles", **WIDE)
        with gr.Row():
            save_roles = gr.Button("Save roles")
            link = gr.Button("New sign-in link")
            lock = gr.Button("Lock out")
            unlock = gr.Button("Let in again")
        with gr.Row(elem_classes="cu-level"):
            label = gr.Textbox(label="Label of a token for scripts", value="script", max_length=64, max_lines=1)
            make_token = gr.Button("Make token")
            revoke = gr.Button("Revoke token")
    on = _Handlers(workspace, desk, person_of)
    outputs = [table, told, who]
    pages.load(on.show, None, outputs, api_name="people_show", **QUICK)
    who.input(on.roles_of, who, roles, api_name="people_roles_of", **QUICK)
    add.click(on.for_two(_add), [new_name, new_roles], outputs, api_name="people_add", **QUICK)
    save_roles.click(on.for_two(_set_roles), [who, roles], outputs, api_name="people_roles", **QUICK)
    link.click(on.for_one(_make_link), who, outputs, api_name="people_link", **QUICK)
    lock.click(on.for_one(_lock), who, outputs, api_name="people_lock", **QUICK)
    unlock.click(on.for_one(_unlock), who, outputs, api_name="people_unlock", **QUICK)
    make_token.click(on.for_two(_make_token), [who, label], outputs, api_name="people_token", **QUICK)
    revoke.click(on.for_two(_revoke_token), [who, label], outputs, api_name="people_revoke", **QUICK)


def _add(people: PeopleDesk, request: gr.Request, name: str, roles: list[str]) -> str:
    person = people.add(name=_text(name), roles=_names(roles))
    return _link_message(
        request, people.make_link(name=person.name), f"{person.name} is added and can sign in with this link."
    )


def _set_roles(people: PeopleDesk, request: gr.Request, name: str | None, roles: list[str]) -> str:
    person = people.set_roles(name=_chosen(name), roles=_names(roles))
    return tell(f"The roles of {person.name} are saved.")


def _make_link(people: PeopleDesk, request: gr.Request, name: str | None) -> str:
    return _link_message(request, people.make_link(name=_chosen(name)), f"{name} can sign in with this link.")


def _lock(people: PeopleDesk, request: gr.Request, name: str | None) -> str:
    people.set_disabled(name=_chosen(name), disabled=True)
    return tell(f"{name} is locked out; sessions and tokens have ended.")


def _unlock(people: PeopleDesk, request: gr.Request, name: str | None) -> str:
    people.set_disabled(name=_chosen(name), disabled=False)
    return tell(f"{name} may sign in again; make a link to begin.")


def _make_token(people: PeopleDesk, request: gr.Request, name: str | None, label: str) -> str:
    secret = people.make_token(name=_chosen(name), label=_text(label))
    return tell(f"A token for {name}. It is shown this once; only its hash is kept.", secret)


def _revoke_token(people: PeopleDesk, request: gr.Request, name: str | None, label: str) -> str:
    people.revoke_token(name=_chosen(name), label=_text(label))
    return tell(f"The token {label} of {name} is revoked.")


def _link_message(request: gr.Request, secret: str, sentence: str) -> str:
    base = str(request.request.base_url) if request.request is not None else "/"
    return tell(f"{sentence} Send it to nobody else; it works once, for a day.", f"{base}link/{secret}")


def _chosen(name: str | None) -> str:
    if not name or not isinstance(name, str):
        raise InvalidRecord("no person is chosen; choose one first")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRecord("a text is missing; type it")
    return value.strip()


def _names(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidRecord("the roles cannot be read; choose them from the list")
    return values


def tell(sentence: str, secret: str = "", *, kind: Literal["good", "bad"] = "good") -> str:
    """Return a message as HTML, with a secret to copy if there is one; both escaped."""
    role = "alert" if kind == "bad" else "status"
    shown = f'<code class="cu-secret">{escape(secret)}</code>' if secret else ""
    told = f'<p class="cu-told" data-kind="{kind}" role="{role}">{escape(sentence)}{shown}</p>'
    return f'<div class="cu cu-flow">{told}</div>'


def render_people(lines: list[PersonLine]) -> str:
    """Return the list of people as HTML; every text is escaped."""
    rows = "".join(
        f'<tr><th scope="row">{escape(line.name)}</th><td>{escape(line.roles)}</td><td>{escape(_state(line))}</td>'
        f"<td>{escape(', '.join(line.tokens) or '–')}</td></tr>"
        for line in lines
    )
    count = f"{len(lines)} people" if len(lines) != 1 else "1 person"
    return (
        f'<main class="cu cu-flow"><section><h1 class="cu-say">{count}</h1><div class="cu-scroll">'
        '<table class="cu-table"><thead><tr><th scope="col">Name</th><th scope="col">Roles</th>'
        f'<th scope="col">Signs in by</th><th scope="col">Tokens</th></tr></thead><tbody>{rows}</tbody></table>'
        "</div></section></main>"
    )


def _state(line: PersonLine) -> str:
    if line.disabled:
        return "locked out"
    way = "password or link" if line.has_password else "link"
    return f"{way}; password locked for now" if line.locked else way
