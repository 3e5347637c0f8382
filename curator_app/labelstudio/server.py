"""A Label Studio server through its SDK. The one place that imports it; its errors become one sentence each here.

The SDK's own error texts hold response headers with a session cookie, so no error of it is chained or shown. It repeats
a POST after a failure, which doubles what an import had already stored: every write here is sent once.
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from curator_app.errors import LabelStudioRefused

ONCE = {"max_retries": 0}
PAGE = 1000
TIMEOUT_S = 120.0
LOOK_TIMEOUT_S = 5.0
"""For who only looks whether it answers, while a page waits."""
_ANNOTATION_FIELDS = (
    "id", "annotations", "result", "completed_by", "updated_by", "was_cancelled", "ground_truth", "lead_time",
    "created_at", "updated_at", "draft_created_at", "parent_prediction", "parent_annotation", "last_action",
    "import_id", "bulk_created", "last_created_by", "created_username",
)  # fmt: skip
_PROJECT_FIELDS = "id,label_config,description,task_number"
_COUNTS = ("total_annotations", "cancelled_annotations")
_SECRET_LIKE = re.compile(r"(https?://|data:)\S+")


class WriteUnsure(LabelStudioRefused):
    """A write failed on the server or on the way: it may have happened."""


@dataclass(frozen=True)
class RemoteState:
    """What answers there, and as whom."""

    version: str
    edition: str
    account: str
    """E-mail of the token's account."""


@dataclass(frozen=True)
class RemoteProject:
    """A project as the server has it."""

    id: int
    config: str
    tasks: int | None
    description: str


@dataclass(frozen=True)
class RemoteTask:
    """A task as the server lists it."""

    id: int
    data: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A task that changed, when by the server's clock, and how many annotations it has now, skipped ones too."""

    task: int
    updated_at: str
    annotations: int


def read_time(value: Any) -> str:
    """Return a time of the server's in one form that sorts."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


def check_address(url: str) -> str:
    """Return the server's address without a slash at its end.

    Raises:
        LabelStudioRefused: it is none, or holds a password.
    """
    try:
        parts = urlsplit(url.strip())
        whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole or parts.username or parts.password or parts.query:
        raise LabelStudioRefused(
            "the address of Label Studio must be like http://127.0.0.1:8080, without name, password or query; "
            "set CURATOR_LABEL_STUDIO_URL"
        )
    return url.strip().rstrip("/")


def name_token_kind(token: str) -> str:
    """Return what kind of token this is, by its looks; nothing of it is repeated."""
    if token.startswith("eyJ") and token.count(".") == 2:
        return "personal access token"
    return "legacy token" if re.fullmatch("[0-9a-f]{40}", token) else "token of no known kind"


class Server:
    """An open connection. Nothing is sent before the first call."""

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Take an address and a token of either kind: a personal access token, or a legacy one where that is on.

        Raises:
            LabelStudioRefused: one of them cannot be used, or the SDK is missing.
        """
        self.url = check_address(url)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise LabelStudioRefused(
                "there is no usable token for Label Studio; copy one from its Account & Settings page "
                "into CURATOR_LABEL_STUDIO_TOKEN"
            )
        try:
            from label_studio_sdk import LabelStudio
        except ImportError:
            raise LabelStudioRefused(
                "Label Studio's SDK is not installed; run: pip install 'ood-mmsafe-curator[labelstudio]'"
            ) from None
        logging.getLogger("httpcore").setLevel(logging.INFO)  # its debug lines hold cookies
        with self._calling("sign in"):
            self._api = LabelStudio(base_url=self.url, api_key=token, timeout=timeout_s)

    @contextmanager
    def _calling(self, what: str, *, write: bool = False) -> Iterator[None]:
        import httpx
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError

        try:
            yield
        except ApiError as exc:
            said = self._describe(what, exc.status_code, exc.body)
            unsure = write and not 300 <= (exc.status_code or 500) < 500
        except httpx.HTTPError as exc:
            said = f"Label Studio at {self.url} does not answer ({type(exc).__name__}); start it, or mend the address"
            unsure = write and not isinstance(exc, httpx.ConnectError)
        except (ValueError, TypeError, AttributeError, KeyError, ParsingError):  # a reply of another shape
            said = self._describe(what, 200, None)
            unsure = write
        else:
            return
        raise (WriteUnsure if unsure else LabelStudioRefused)(said) from None

    def _describe(self, what: str, status: int | None, body: Any) -> str:
        if status is not None and status < 400:
            return f"{self.url} does not answer as Label Studio does, asked to {what}; mend the address"
        if status == 401 or status is None:
            return (
                f"Label Studio at {self.url} refuses the token; make a new personal access token under Account & "
                "Settings (legacy tokens are off unless its administrator turned them on) and set "
                "CURATOR_LABEL_STUDIO_TOKEN"
            )
        if status == 403:
            return f"Label Studio at {self.url} does not let this account {what}; use the token of an administrator"
        if status == 404:
            return f"Label Studio at {self.url} cannot {what}: the project is gone, or hidden from this account"
        return f"Label Studio at {self.url} refused to {what} ({status}){_detail(body)}"

    def read_state(self) -> RemoteState:
        """Return what answers there. Asked once, without repeating, so that a server that is down is known soon."""
        with self._calling("say who it is"):
            version = self._api.versions.get(request_options=ONCE)
            account = self._api.users.whoami(request_options=ONCE)
            return RemoteState(str(version.release), str(getattr(version, "edition", "")), account.email or "")

    def find_projects(self, mark: str) -> list[RemoteProject]:
        """Return the projects whose description holds the mark, the oldest first."""
        with self._calling("list projects"):
            found = [self._project(each) for each in self._list_projects()]
        return sorted((each for each in found if mark in each.description), key=lambda each: each.id)

    def create_project(self, *, title: str, description: str, config: str, predictions: bool = False) -> RemoteProject:
        """Make a project. Only with `predictions` it shows people those of its tasks."""
        with self._calling("make the project", write=True):
            made = self._api.projects.create(
                title=title,
                description=description,
                label_config=config,
                show_collab_predictions=predictions,
                request_options=ONCE,
            )
            return self._project(made)

    def read_project(self, project: int) -> RemoteProject:
        """Return the project as it is now."""
        asked = f"read project {project}"
        with self._calling(asked):
            for each in self._list_projects(ids=str(project)):
                if each.id == project:
                    return self._project(each)
        raise LabelStudioRefused(self._describe(asked, 404, None))

    def _list_projects(self, **query: Any) -> Iterator[Any]:
        """Yield projects. `projects.get` would count all their tasks and annotations in eight ways."""
        yield from self._api.projects.list(page_size=100, include=_PROJECT_FIELDS, **query)

    @staticmethod
    def _project(row: Any) -> RemoteProject:
        count = getattr(row, "task_number", None)
        return RemoteProject(int(row.id), row.label_config or "", count, row.description or "")

    def count_annotations(self, project: int) -> dict[int, int]:
        """Return the ids of all tasks, and how many annotations each has, skipped ones too."""
        with self._calling(f"list the tasks of project {project}"):
            return {int(row.id): _count(row) for row in self._list(project, ("id", *_COUNTS), whole=False)}

    def read_data(self, project: int, ids: Sequence[int]) -> list[RemoteTask]:
        """Return what these tasks show, the oldest first; one that is gone is left out."""
        with self._calling(f"read tasks of project {project}"):
            rows = self._list(project, ("id", "data"), whole=False, selectedItems=_only(ids))
            return sorted((RemoteTask(int(row.id), dict(row.data or {})) for row in rows), key=lambda task: task.id)

    def list_changes(self, project: int, *, since: str) -> list[Change]:
        """Return what changed after a time of the server's; everything where it is empty."""
        item = {"filter": "filter:tasks:updated_at", "operator": "greater", "type": "Datetime"}
        if since:  # the one form that the server's filter can read; any other is an error 500
            item["value"] = read_time(since).replace("+00:00", "Z")
        query: dict[str, Any] = {"filters": {"conjunction": "and", "items": [item]}} if since else {}
        with self._calling(f"list the changes of project {project}"):
            rows = self._list(project, ("id", "updated_at", *_COUNTS), whole=False, **query)
            return [Change(int(row.id), read_time(row.updated_at), _count(row)) for row in rows]

    def read_annotations(self, project: int, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """Return all annotations of these tasks, whole; a task that is gone is left out."""
        # Not by the server's export, which leaves a file of all that was asked for on its disk each time.
        with self._calling(f"read annotations of project {project}"):
            rows = self._list(project, _ANNOTATION_FIELDS, selectedItems=_only(ids))
            return {int(row.id): [dict(each) for each in row.annotations or []] for row in rows}

    def _list(self, project: int, fields: Sequence[str], *, whole: bool = True, **query: Any) -> Iterator[Any]:
        """Yield tasks with these fields only. The server reads the list for a task's annotations as well."""
        from label_studio_sdk.core.api_error import ApiError

        pages = self._api.tasks.list(
            project=project,
            fields="all" if whole else "task_only",
            include=",".join(fields),
            page_size=PAGE,
            resolve_uri=False,
            **({"query": json.dumps(query)} if query else {}),
        ).iter_pages()
        seen = 0
        try:
            for page in pages:
                rows = page.items or []
                yield from rows
                seen += len(rows)
                if seen >= page.response.total:  # the SDK would ask for one page more, and count the tasks anew
                    return
        except ApiError as exc:  # there are fewer pages by now
            if not (seen and exc.status_code == 404):
                raise

    def import_tasks(self, project: int, rows: Sequence[dict[str, Any]]) -> None:
        """Add tasks; sent once.

        Raises:
            WriteUnsure: all, some or none of them may be there.
        """
        with self._calling("take the tasks", write=True):
            self._api.projects.import_tasks(id=project, request=list(rows), request_options=ONCE)

    def change_data(self, task: int, data: dict[str, Any]) -> bool:
        """Replace what a task shows; sent once. Return whether it is still there."""
        from label_studio_sdk.core.api_error import ApiError

        with self._calling("change a task", write=True):
            try:
                self._api.tasks.update(id=str(task), data=data, request_options=ONCE)
            except ApiError as exc:
                if exc.status_code != 404:
                    raise
                return False
        return True

    def delete_task(self, task: int) -> None:
        """Delete a task; one that is gone is deleted already."""
        from label_studio_sdk.core.api_error import ApiError

        with self._calling("delete a doubled task", write=True):
            try:
                self._api.tasks.delete(id=str(task), request_options=ONCE)
            except ApiError as exc:
                if exc.status_code != 404:
                    raise

    def add_local_files(self, project: int, folder: str) -> None:
        """Let the project's people read pictures from a folder on the server."""
        with self._calling(f"serve the pictures in {folder}"):
            known = [each.path for each in self._api.import_storage.local.list(project=project)]
        if folder in known:
            return
        with self._calling(f"serve the pictures in {folder}", write=True):
            self._api.import_storage.local.create(
                project=project, path=folder, title="curator", use_blob_urls=True, request_options=ONCE
            )

    def read_people(self) -> dict[int, str]:
        """Return e-mails by the server's number of the person, in lower case."""
        with self._calling("list people"):
            return {int(row.id): (row.email or "").lower() for row in self._api.users.list()}


def _count(row: Any) -> int:
    return (row.total_annotations or 0) + (row.cancelled_annotations or 0)


def _only(ids: Sequence[int]) -> dict[str, Any]:
    """Return the selection of these tasks, as the server reads it in a query."""
    return {"all": False, "included": list(ids)}


def _detail(body: Any) -> str:
    """Return what the server said of a refusal, without addresses and pictures."""
    if not isinstance(body, dict):
        return ""
    said = body.get("validation_errors") or body.get("detail") or ""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return f": {_SECRET_LIKE.sub('…', text)[:300]}" if text else ""
