"""A Label Studio that is a dictionary: what `curator_app.labelstudio` asks of a server, in memory, without the SDK."""

from collections.abc import Sequence
from typing import Any

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.server import Change, RemoteProject, RemoteState, RemoteTask

URL = "http://127.0.0.1:9"


class LabelStudioHere:
    """Stands in for `curator_app.labelstudio.server.Server`. `down`: what every call is refused with."""

    def __init__(self) -> None:
        """Start without projects."""
        self.url = URL
        self.down = ""
        self.configs: dict[int, str] = {}
        self.notes: dict[int, str] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.predictions: dict[int, list[dict[str, Any]]] = {}
        self.shows_predictions = False
        self.people: dict[int, str] = {}
        self.changed = 0
        self.read: list[int] = []
        """The tasks whose annotations were asked for, in order."""

    def _call(self) -> None:
        if self.down:
            raise LabelStudioRefused(self.down)

    def read_state(self) -> RemoteState:
        self._call()
        return RemoteState("1.23.2", "Community", "admin@example.com")

    def find_projects(self, mark: str) -> list[RemoteProject]:
        self._call()
        return [self.read_project(number) for number, note in self.notes.items() if mark in note]

    def create_project(self, *, title: str, description: str, config: str, predictions: bool = False) -> RemoteProject:
        self._call()
        self.shows_predictions = predictions
        number = len(self.configs) + 1
        self.configs[number], self.notes[number] = config, description
        return self.read_project(number)

    def read_project(self, project: int) -> RemoteProject:
        self._call()
        return RemoteProject(project, self.configs[project], len(self.tasks), self.notes[project])

    def count_annotations(self, project: int) -> dict[int, int]:
        self._call()
        return {number: len(self.annotations.get(number, [])) for number in self.tasks}

    def read_data(self, project: int, ids: Sequence[int]) -> list[RemoteTask]:
        self._call()
        return [RemoteTask(number, dict(self.tasks[number])) for number in sorted(ids) if number in self.tasks]

    def import_tasks(self, project: int, rows: Sequence[dict[str, Any]]) -> None:
        self._call()
        for row in rows:
            self.tasks[len(self.tasks) + 1] = dict(row["data"])
            self.predictions[len(self.tasks)] = row.get("predictions", [])

    def change_data(self, task: int, data: dict[str, Any]) -> bool:
        self._call()
        self.tasks[task] = dict(data)
        self.changed += 1
        return True

    def annotate(self, task: int, email: str, result: Any, **more: Any) -> None:
        """Let somebody answer a task."""
        number = next((each for each, known in self.people.items() if known == email), len(self.people) + 1)
        self.people[number] = email
        made = {
            "id": sum(map(len, self.annotations.values())) + 1, "completed_by": number, "result": result,
            "updated_at": "2026-11-30T08:00:00.000000Z", "lead_time": 4.5,
        }  # fmt: skip
        self.annotations.setdefault(task, []).append(made | more)

    def list_changes(self, project: int, *, since: str) -> list[Change]:
        self._call()
        moment = "2026-11-30T08:00:00.{:06}+00:00"
        return [Change(task, moment.format(len(found)), len(found)) for task, found in self.annotations.items()]

    def read_annotations(self, project: int, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        self._call()
        self.read += ids
        return {task: self.annotations[task] for task in ids}

    def read_people(self) -> dict[int, str]:
        self._call()
        return self.people
