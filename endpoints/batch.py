"""OpenAI's batch API behind the ordinary call: half the price, an answer within a day.

Calls that arrive together are sent as one batch, and each caller waits for its own line of the result. Which request
went into which batch is written down before the batch is made, so a run that was killed takes up its batches again
instead of paying for new ones.
"""

import asyncio
import dataclasses
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from endpoints.chat import MAX_REPLY_BYTES, ChatEndpoint, OpenAIChat
from endpoints.errors import BadConfig, BadReply, BadRequest, EndpointError, TimedOut, Unreachable, check_finished
from endpoints.messages import ChatReply, ChatRequest, request_sha256
from storage.texts import canonical_json, hash_json
from storage.whole_files import write_whole

Result = TypeVar("Result")

MAX_BATCH_CALLS, MAX_BATCH_BYTES = 50_000, 100_000_000
PRICE_FACTOR = 0.5
REQUEST_TIMEOUT_S = 600.0
LOST_LOOKS = 20
"""Looks at a batch that may fail in a row before it is given up for now."""
ENDED = ("completed", "failed", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class Note:
    """What is written down about one batch: the calls in it that need not be sent again, and its number."""

    keys: list[str]
    mark: str
    """Stands in the batch's metadata, to find a batch whose number was never learnt."""
    batch: str | None = None


class BatchChat:
    """The model of an `OpenAIChat`, asked through its server's batch API.

    Every caller waits at the same time, so wrap it in `Resilient` with a limiter whose maximum and initial size are
    MAX_BATCH_CALLS. `folder` holds one small file per batch and belongs to one process at a time.
    """

    price_factor = PRICE_FACTOR

    def __init__(
        self,
        chat: OpenAIChat,
        *,
        folder: Path | None,
        window: str = "24h",
        gather_s: float = 5.0,
        poll_s: float = 30.0,
        batch_calls: int = MAX_BATCH_CALLS,
    ) -> None:
        """Set up the endpoint and read the notes of earlier batches; nothing is sent yet.

        Args:
            chat: The model and its server.
            folder: Where the batches are written down. Without one none is made: it could not be found again.
            window: How long the server may take.
            gather_s: Calls are sent when no further one has arrived for so many seconds.
            poll_s: Seconds between two looks at a batch.
            batch_calls: The most calls that go into one batch.
        """
        self.name = chat.name
        self.model = chat.model
        self.cache_id = chat.cache_id
        self._chat = chat
        self._folder = folder
        self._window = window
        self._gather_s = gather_s
        self._poll_s = poll_s
        self.batch_calls = batch_calls
        self._notes: dict[Path, Note] = {}
        self._places: dict[str, Path] = {}
        self._requests: dict[str, ChatRequest] = {}
        self._unsent: list[str] = []
        self._callers: dict[str, list[asyncio.Future[ChatReply]]] = {}
        self._unasked: dict[str, bytes] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        for path in sorted(folder.glob("*.json")) if folder else ():
            self._know(path, Note(**json.loads(path.read_text(encoding="utf-8"))))

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply to `request` when its batch is done.

        Raises:
            EndpointError: This request's own failure, or that of its batch.
        """
        if self._folder is None:
            raise BadConfig(f"{self.name}: a batch is written down in the folder of a run, and there is none here")
        started = time.monotonic()
        key = request_sha256(self.cache_id, request, model=self.model)
        if key in self._unasked:
            answer = self._read_line(self._unasked.pop(key), request)
            if isinstance(answer, EndpointError):
                raise answer
            return check_finished(answer)
        caller: asyncio.Future[ChatReply] = asyncio.get_running_loop().create_future()
        self._requests[key] = request
        self._callers.setdefault(key, []).append(caller)
        place = self._places.get(key)
        if place is not None:
            self._follow_on(place)
        else:
            if key not in self._unsent:
                self._unsent.append(key)
            self._start("gather", self._gather(), self._take_unsent)
        reply = await caller
        return check_finished(dataclasses.replace(reply, latency_s=time.monotonic() - started))

    async def check(self) -> str:
        """Ask the server for its models and its batches, which costs nothing; return what is left in doubt.

        Raises:
            EndpointError: There is no answer, the key is refused, the model is not listed, or there is no batch API.
        """
        doubt = await self._chat.check_model()
        try:
            await self._call(self._chat.open_client().batches.list(limit=1))
        except BadConfig as exc:
            if "HTTP 404" in str(exc) or "HTTP 405" in str(exc):
                raise BadConfig(f"{self.name}: the server has no batch API; use `kind: openai` ({exc})") from None
            raise
        untried = f"no batch was made, for one may take {self._window}"
        return f"{doubt}; {untried}" if doubt else untried

    async def aclose(self) -> None:
        """Stop waiting and close the connections. Batches that were sent go on at the server."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._chat.aclose()

    def _start(self, name: str, work: Coroutine[Any, Any, None], keys: Callable[[], list[str]]) -> None:
        """Run `work` unless it is under way. Whatever ends it early is what the callers of `keys` get."""
        if name in self._tasks and not self._tasks[name].done():
            work.close()
            return

        def end(task: asyncio.Task[None]) -> None:
            closed = Unreachable(f"{self.name}: closed while the batch was waited for")
            failure = closed if task.cancelled() else task.exception()
            if failure is not None:
                for key in keys():
                    self._answer(key, failure)

        self._tasks[name] = asyncio.ensure_future(work)
        self._tasks[name].add_done_callback(end)

    def _follow_on(self, path: Path) -> None:
        self._start(path.name, self._follow(path), lambda: self._notes[path].keys)

    def _take_unsent(self) -> list[str]:
        taken, self._unsent = self._unsent, []
        return taken

    async def _gather(self) -> None:
        """Wait until no more calls arrive, then send all there are."""
        before = -1
        while before < len(self._unsent) < self.batch_calls:
            before = len(self._unsent)
            await asyncio.sleep(self._gather_s)
        while self._unsent:
            keys, lines = next(self._split())
            path = await self._submit(keys, lines)
            sent = set(keys)
            self._unsent = [key for key in self._unsent if key not in sent]
            self._follow_on(path)

    def _split(self) -> Iterator[tuple[list[str], bytes]]:
        """Yield keys and input of batches that are within the API's limits."""
        keys: list[str] = []
        lines: list[bytes] = []
        size = 0
        for key in self._unsent:
            body = self._chat.build_body(self._requests[key])
            entry = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            line = json.dumps(entry).encode("ascii")
            if keys and (len(keys) >= self.batch_calls or size + len(line) > MAX_BATCH_BYTES):
                yield keys, b"\n".join(lines)
                keys, lines, size = [], [], 0
            keys.append(key)
            lines.append(line)
            size += len(line) + 1
        yield keys, b"\n".join(lines)

    async def _submit(self, keys: list[str], lines: bytes) -> Path:
        """Make one batch; return the path of its note."""
        client = self._chat.open_client()
        assert self._folder is not None
        path = self._folder / f"{len(self._notes):06}.json"
        note = Note(keys, mark=hash_json([path.name, *keys]))
        file = await self._call(client.files.create(file=("batch.jsonl", lines), purpose="batch"))
        self._write(path, note)
        try:
            batch = await self._call(
                client.batches.create(
                    input_file_id=file.id,
                    endpoint="/v1/chat/completions",
                    completion_window=self._window,  # type: ignore[arg-type]  # other servers have others
                    metadata={"mark": note.mark},
                )
            )
        except EndpointError as exc:
            if not isinstance(exc, TimedOut | Unreachable):  # after those two it may have been made all the same
                self._write(path, dataclasses.replace(note, keys=[]))
            raise
        self._write(path, dataclasses.replace(note, batch=batch.id))
        return path

    async def _follow(self, path: Path) -> None:
        """Wait for the batch noted at `path`, then answer its callers and keep the lines nobody has asked for yet."""
        note = self._notes[path]
        if note.batch is None:
            note = dataclasses.replace(note, batch=await self._find(note.mark))
        why, lines, failed = "the batch was never made", {}, False
        if note.batch is not None:
            batch = await self._wait(note.batch)
            failed = batch.status == "failed"
            said = "; ".join(str(error.message) for error in (batch.errors and batch.errors.data) or ())
            why = f"batch {batch.id} ended as {batch.status} without this reply. {said}".strip()
            lines = await self._fetch_lines(batch)
        settled = []
        for key in note.keys:
            answer: ChatReply | EndpointError
            if key in lines and key not in self._callers:
                self._unasked[key] = lines[key]
                settled.append(key)
                continue
            if key in lines:
                answer = self._read_line(lines[key], self._requests[key])
            else:
                answer = (BadRequest if failed else Unreachable)(f"{self.name}: {why}")
            if isinstance(answer, ChatReply):
                settled.append(key)
            self._answer(key, answer)
        # What failed is struck from the note, so that asking again sends it again.
        self._write(path, dataclasses.replace(note, keys=settled))

    async def _fetch_lines(self, batch: Any) -> dict[str, bytes]:
        lines = {}
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                content = await self._call(self._chat.open_client().files.content(file_id))
                for line in content.content.splitlines():
                    try:
                        lines[str(json.loads(line)["custom_id"])] = line
                    except (ValueError, KeyError, TypeError, RecursionError):
                        continue  # nobody's line: whose it was finds none and is told so
        return lines

    async def _wait(self, batch_id: str) -> Any:
        lost = 0
        while True:
            try:
                batch = await self._call(self._chat.open_client().batches.retrieve(batch_id))
            except EndpointError as exc:
                lost += 1
                if not exc.retryable or lost >= LOST_LOOKS:
                    raise
            else:
                lost = 0
                if batch.status in ENDED:
                    return batch
            await asyncio.sleep(self._poll_s)

    async def _find(self, mark: str) -> str | None:
        listed = await self._call(self._chat.open_client().batches.list(limit=100))
        return next((batch.id for batch in listed.data if (batch.metadata or {}).get("mark") == mark), None)

    def _read_line(self, line: bytes, request: ChatRequest) -> ChatReply | EndpointError:
        try:
            entry = json.loads(line)
            response = entry.get("response") or {"status_code": 500, "body": {"error": entry.get("error")}}
            status, body = int(response["status_code"]), response["body"]
            if status != 200:
                return self._chat.translate_status(status, body.get("error") or body, {})
            content = canonical_json(body).encode("utf-8")
            if len(content) > MAX_REPLY_BYTES:
                return BadReply(f"{self.name}: the reply is longer than {MAX_REPLY_BYTES} bytes")
            return self._chat.read_reply(content, request)
        except EndpointError as exc:
            return exc
        except (ValueError, KeyError, TypeError, AttributeError):
            return BadReply(f"{self.name}: the batch's line for this request cannot be read")

    def _answer(self, key: str, answer: ChatReply | BaseException) -> None:
        self._requests.pop(key, None)
        for caller in self._callers.pop(key, ()):
            if caller.done():
                continue
            if isinstance(answer, ChatReply):
                caller.set_result(answer)
            else:
                caller.set_exception(answer)

    def _write(self, path: Path, note: Note) -> None:
        write_whole(path, canonical_json(dataclasses.asdict(note)))
        self._know(path, note)

    def _know(self, path: Path, note: Note) -> None:
        before = self._notes.get(path)
        for key in before.keys if before else ():
            if self._places.get(key) == path:
                del self._places[key]
        self._notes[path] = note
        self._places.update(dict.fromkeys(note.keys, path))

    async def _call(self, call: Awaitable[Result]) -> Result:
        import aiohttp
        import openai

        failure: EndpointError
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await call
        except TimeoutError:
            failure = TimedOut(f"{self.name}: no complete reply within {REQUEST_TIMEOUT_S:g} s")
        except (openai.APIError, aiohttp.ClientError) as exc:
            failure = self._chat.translate(exc)
        raise failure  # outside of the handler, so that the client's error, which holds the key, is no context of it


def count_open(usual: int, *endpoints: ChatEndpoint | None) -> int:
    """Return how many items to have open at once: as usual, or as many as go into one batch of an endpoint of batches.

    With fewer, every batch would be small, and each may take a day.
    """
    plain = [getattr(endpoint, "endpoint", endpoint) for endpoint in endpoints]  # without `Resilient`
    return max([usual, *(chat.batch_calls for chat in plain if isinstance(chat, BatchChat))])
