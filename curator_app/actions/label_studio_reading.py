"""What the page of Label Studio shows: the connection, the projects, what needs a look, the jobs."""

import time
from collections import Counter
from dataclasses import dataclass, replace

from curator_app.actions import background_jobs, label_studio_jobs
from curator_app.actions.label_studio_jobs import JOB_KIND
from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.server import LOOK_TIMEOUT_S, RemoteState, Server, check_address, name_token_kind
from curator_app.labelstudio.status import OddAnnotation, ProjectStatus, read_odd, read_projects
from curator_app.labelstudio.xml_check import describe_drift
from curator_app.workspace import Workspace
from storage.errors import NotFound
from storage.external_counts import Use
from storage.jobs import Job

LOOK_EVERY_S = 10.0
"""How often the server is asked, however many pages show it."""

_looked: dict[str, tuple[float, "Connection"]] = {}


@dataclass(frozen=True)
class Connection:
    """How it stands with the server. Nothing of the token is here."""

    url: str
    """Empty: none is set."""
    token_kind: str
    """Empty: none is set."""
    state: RemoteState | None = None
    problem: str = ""
    """Why it cannot be used, in one sentence."""

    @property
    def is_set(self) -> bool:
        """Whether somebody has set both."""
        return bool(self.url and self.token_kind)


@dataclass(frozen=True)
class Overview:
    """What is known here."""

    projects: tuple[ProjectStatus, ...]
    odd: tuple[OddAnnotation, ...]
    unknown: tuple[tuple[str, int], ...]
    """E-mails of nobody here, with how many annotations wait for them."""
    jobs: tuple[Job, ...]


def read_connection(workspace: Workspace) -> Connection:
    """Return how it stands with the server, which is asked at most every `LOOK_EVERY_S` and for a few seconds."""
    settings = workspace.settings
    url, token = settings.label_studio_url.strip(), settings.label_studio_token.get_secret_value()
    found = Connection(_show_address(url), name_token_kind(token) if token else "")
    if not found.is_set:
        return found
    when, known = _looked.get(url, (0.0, found))
    if when and time.monotonic() - when < LOOK_EVERY_S and known.token_kind == found.token_kind:
        return known
    try:
        found = replace(found, state=Server(url, token, timeout_s=LOOK_TIMEOUT_S).read_state())
    except LabelStudioRefused as exc:
        found = replace(found, problem=str(exc))
    _looked[url] = time.monotonic(), found
    return found


def _show_address(url: str) -> str:
    """Return the address; of one that may hold a password only that it is there."""
    try:
        return check_address(url) if url else ""
    except LabelStudioRefused:
        return "an address that cannot be used"


def read_overview(workspace: Workspace) -> Overview:
    """Return everything that was pushed and pulled."""
    with workspace.db.read() as session:
        projects, odd = read_projects(session=session), read_odd(session=session)
    unknown = Counter(each.claimed for each in odd if each.use == Use.UNKNOWN_PERSON.value and each.claimed)
    jobs = background_jobs.list_jobs(workspace, kind=JOB_KIND)
    return Overview(tuple(projects), tuple(odd), tuple(sorted(unknown.items())), tuple(jobs))


def find_project(workspace: Workspace, number: str) -> tuple[ProjectStatus, list[OddAnnotation]]:
    """Return a project, and what needs a look in it.

    Raises:
        NotFound: there is none of this number.
    """
    with workspace.db.read() as session:
        project = next((each for each in read_projects(session=session) if str(each.id) == number), None)
        if project is None:
            raise NotFound(f"there is no project {number[:20]!r} here; choose one of the list")
        return project, read_odd(session=session, project=project.id)


def compare_config(workspace: Workspace, project: ProjectStatus) -> str:
    """Return the difference between the labeling config that was pushed and the server's; empty: none.

    Raises:
        LabelStudioRefused: the server cannot be asked, or is another one.
    """
    settings = workspace.settings
    address = check_address(settings.label_studio_url)
    if project.source != address:
        raise LabelStudioRefused(f"the project is on {project.source}, and CURATOR_LABEL_STUDIO_URL is {address}")
    server = Server(project.source, settings.label_studio_token.get_secret_value(), timeout_s=LOOK_TIMEOUT_S)
    server.read_state()  # soon when it is down; what follows is repeated
    return describe_drift(pushed=project.config, found=server.read_project(project.remote_id).config)


def find_job(workspace: Workspace, name: str) -> tuple[Job, str]:
    """Return a job, and the end of what its process printed.

    Raises:
        NotFound: there is none of this name.
    """
    job = background_jobs.find_job(workspace, kind=JOB_KIND, name=name)
    return job, background_jobs.read_output(label_studio_jobs.find_folder(workspace, name))
