"""From the endpoints file to a run's endpoints: built on first use, cached, limited, retried, counted."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from endpoints.batch import MAX_BATCH_CALLS, BatchChat
from endpoints.cache import DiskCache
from endpoints.chat import ChatEndpoint, OpenAIChat
from endpoints.diffusers_images import DiffusersImages
from endpoints.embeddings import EmbeddingEndpoint, HashEmbeddings
from endpoints.endpoints_file import (
    CHAT_ROLES,
    ROLES,
    ChatRole,
    DiffusersEntry,
    EndpointsConfig,
    HashEmbeddingsEntry,
    OpenAIBatchEntry,
    OpenAIEntry,
    OpenAIImagesEntry,
    ScriptedEntry,
    ScriptedImagesEntry,
    SentenceTransformersEntry,
    load_endpoints,
    read_endpoints,
    scripted_model,
)
from endpoints.errors import BadConfig, EndpointError, Refused, Truncated
from endpoints.images import ImageEndpoint, OpenAIImages, ResilientImages, ScriptedImages
from endpoints.ledger import Budget, Ledger
from endpoints.limiter import AdaptiveLimiter
from endpoints.local_models import shown_name
from endpoints.messages import ChatRequest, Message
from endpoints.resilient import Resilient, RetryPolicy
from endpoints.scripted import ScriptedChatEndpoint
from endpoints.sentence_embeddings import BUNDLED, SentenceTransformerEmbeddings

__all__ = [
    "CHAT_ROLES",
    "ROLES",
    "ChatRole",
    "EndpointCheck",
    "EndpointsConfig",
    "Roles",
    "WeightedEndpoint",
    "build_endpoints",
    "check_endpoints",
    "load_endpoints",
    "read_endpoints",
]

Endpoint = ChatEndpoint | ImageEndpoint | EmbeddingEndpoint
Built = TypeVar("Built")

CHECK_ROLE = "check"
CHECK_RETRY = RetryPolicy(attempts=2, bad_reply_attempts=1, rate_limited_attempts=3, longest_retry_after_s=10.0)
CHECK_QUESTION = ChatRequest((Message("user", ("Reply with the word: ok",)),), max_tokens=16, temperature=None)


@dataclass(frozen=True, slots=True)
class WeightedEndpoint:
    """One model of the mixture that writes scenarios. Weights need not add up to 1."""

    endpoint: ChatEndpoint
    weight: float


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """What one cheap call to an endpoint showed."""

    name: str
    kind: str
    model: str
    roles: tuple[str, ...]
    problem: str
    """Empty when the endpoint can be used."""
    note: str
    """What the call could not show, or nothing."""
    latency_s: float

    @property
    def ok(self) -> bool:
        """Whether the endpoint can be used."""
        return not self.problem


class Roles:
    """The endpoints of one run by role. Each is built when it is first asked for, and then kept.

    Roles that share an endpoint share its connections and its limiter; all share the cache and the ledger.
    """

    def __init__(
        self,
        config: EndpointsConfig,
        *,
        cache_dir: Path | None,
        ledger: Ledger,
        budget: Budget,
        run: str,
        given: Mapping[str, Endpoint],
    ) -> None:
        """See `build_endpoints`."""
        self.config = config
        self.ledger = ledger
        self.budget = budget
        self.run = run
        self.cache_dir = cache_dir
        self.cache = DiskCache(cache_dir) if cache_dir else None
        self._plain: dict[str, Any] = dict(given)
        self._limiters: dict[str, AdaptiveLimiter] = {}
        self._wrapped: dict[tuple[str, str], Any] = {}

    @property
    def generators(self) -> list[WeightedEndpoint]:
        """The mixture that writes scenarios, in the order of the file.

        Raises:
            BadConfig: No endpoint has the role `generator`, or one cannot be built.
        """
        shares = self.config.roles.generator
        if not shares:
            raise self._missing("generator")
        return [WeightedEndpoint(self._chat("generator", share.endpoint), share.weight) for share in shares]

    @property
    def image(self) -> ImageEndpoint:
        """The picture model.

        Raises:
            BadConfig: No endpoint has the role `image`, or it cannot be built.
        """
        name = self._name("image")
        if ("image", name) not in self._wrapped:
            folder = self.cache_dir / "pictures" if self.cache_dir else None
            self._wrapped["image", name] = ResilientImages(self.plain(name), folder=folder, **self.shared(name))
        endpoint: ImageEndpoint = self._wrapped["image", name]
        return endpoint

    @property
    def embedding(self) -> EmbeddingEndpoint:
        """The embedding model, which runs in this process.

        Raises:
            BadConfig: No endpoint has the role `embedding`, or it cannot be built.
        """
        endpoint: EmbeddingEndpoint = self.plain(self._name("embedding"))
        return endpoint

    def chat(self, role: ChatRole) -> ChatEndpoint:
        """Return the chat model of `role`.

        Raises:
            BadConfig: No endpoint has the role, or it cannot be built: its variable is not set, for instance.
        """
        return self._chat(role, self._name(role))

    def has(self, role: str) -> bool:
        """Whether the file gives `role` an endpoint."""
        return any(given == role for given, _ in self.config.roles.pairs())

    def require(self, *roles: str) -> None:
        """Build the endpoints of `roles` now, so that a run finds out before its first call and not hours later.

        Raises:
            BadConfig: The first role that has no endpoint, or whose endpoint cannot be built.
        """
        for role in roles:
            match role:
                case "generator":
                    _ = self.generators
                case "image":
                    _ = self.image
                case "embedding":
                    _ = self.embedding
                case _:
                    self._chat(role, self._name(role))

    def plain(self, name: str) -> Any:
        """Return the endpoint called `name` in the file as it is: no cache, no retries, no ledger.

        Raises:
            BadConfig: It cannot be built.
        """
        if name not in self._plain:
            self._plain[name] = _build(name, self.config, self.cache_dir)
        return self._plain[name]

    async def aclose(self) -> None:
        """Close all connections. The endpoints open new ones when they are called again."""
        for endpoint in self._plain.values():
            if hasattr(endpoint, "aclose"):
                await endpoint.aclose()

    def limiter(self, name: str) -> AdaptiveLimiter:
        """Return the one limiter of the endpoint called `name`."""
        if name not in self._limiters:
            entry = self.config.endpoints[name]
            if isinstance(entry, OpenAIBatchEntry):  # a call that waits for a slot would miss the batch
                self._limiters[name] = AdaptiveLimiter(maximum=MAX_BATCH_CALLS, initial=MAX_BATCH_CALLS)
            else:
                self._limiters[name] = AdaptiveLimiter(maximum=getattr(entry, "max_concurrency", 64))
        return self._limiters[name]

    def _chat(self, role: str, name: str) -> ChatEndpoint:
        if (role, name) not in self._wrapped:
            self._wrapped[role, name] = Resilient(self.plain(name), role=role, **self.shared(name))
        endpoint: ChatEndpoint = self._wrapped[role, name]
        return endpoint

    def shared(self, name: str) -> dict[str, Any]:
        """Return what every wrapper of the endpoint called `name` gets: cache, ledger, budget, limiter, run."""
        return {
            "cache": self.cache,
            "ledger": self.ledger,
            "budget": self.budget,
            "limiter": self.limiter(name),
            "run": self.run,
        }

    def _name(self, role: str) -> str:
        for given, name in self.config.roles.pairs():
            if given == role:
                return name
        raise self._missing(role)

    def _missing(self, role: str) -> BadConfig:
        if role not in ROLES:
            return BadConfig(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
        known = ", ".join(self.config.endpoints) or "none yet"
        return BadConfig(
            f"the endpoints file gives no endpoint the role {role}; name one under `roles` (it has {known})"
        )


def build_endpoints(
    config: EndpointsConfig,
    *,
    cache_dir: Path | None,
    ledger: Ledger,
    budget: Budget | None = None,
    run: str = "",
    given: Mapping[str, Endpoint] | None = None,
) -> Roles:
    """Return the endpoints of a run. Nothing is built, read or sent before a role is asked for.

    Args:
        config: The endpoints file.
        cache_dir: Folder of the replies and pictures that are kept. None keeps nothing.
        ledger: Counts every call. The file's prices are added to its `prices`.
        budget: What the run may use in all.
        run: The run's name in the ledger.
        given: Endpoints to use in place of those that the file names so, for tests and for models of one's own.

    Raises:
        BadConfig: `given` holds a name that the file does not.
    """
    unknown = sorted(set(given or {}) - set(config.endpoints))
    if unknown:
        raise BadConfig(f"given endpoints {', '.join(unknown)} are not in the endpoints file")
    prices = config.prices()
    ledger.prices = {**ledger.prices, **prices}
    return Roles(config, cache_dir=cache_dir, ledger=ledger, budget=budget or Budget(), run=run, given=given or {})


async def check_endpoints(roles: Roles) -> list[EndpointCheck]:
    """Try every endpoint that has a role with one cheap call, all at once; return what came of it, in the file's order.

    A chat model writes a word, past the cache and counted in the ledger under the role `check`. A picture model's
    server is asked for its list of models, since one picture can cost minutes or cents, and a server of batches for
    its models and batches, since one can take a day; of a picture model in this process the weights are looked for and
    not loaded. An embedding model embeds a word. Failures are results, not exceptions.
    """
    used = roles.config.roles.by_endpoint()
    names = [name for name in roles.config.endpoints if name in used]
    return list(await asyncio.gather(*[_check(roles, name, used[name]) for name in names]))


async def _check(roles: Roles, name: str, played: tuple[str, ...]) -> EndpointCheck:
    started = time.monotonic()
    problem = note = ""
    model = _model_of(roles.config, name)
    try:
        endpoint = roles.plain(name)
        if "embedding" in played:
            problem = await asyncio.to_thread(_try_embedding, endpoint)
        elif "image" in played:
            note = await endpoint.check() if isinstance(endpoint, OpenAIImages | DiffusersImages) else ""
            roles.require("image")  # a budget in dollars needs the picture's price
        elif isinstance(endpoint, BatchChat):
            note = await endpoint.check()
            roles.require(*played)  # a budget in dollars needs the model's price
        elif not isinstance(endpoint, ScriptedChatEndpoint):  # a script would lose the reply
            await _try_chat(roles, name, endpoint)
    except EndpointError as exc:
        problem = str(exc)
    kind = roles.config.endpoints[name].kind
    return EndpointCheck(name, kind, model, played, problem, note, time.monotonic() - started)


async def _try_chat(roles: Roles, name: str, endpoint: ChatEndpoint) -> None:
    shared = roles.shared(name) | {"cache": None, "role": CHECK_ROLE, "retry": CHECK_RETRY}
    try:
        await Resilient(endpoint, **shared).complete(CHECK_QUESTION)
    except (Truncated, Refused):
        return  # the model answered, which is all that was asked


def _try_embedding(endpoint: EmbeddingEndpoint) -> str:
    vectors = endpoint.embed(["ok"])
    if vectors.shape != (1, endpoint.dim):
        return f"one text became vectors of shape {vectors.shape}, not (1, {endpoint.dim})"
    length = float(np.linalg.norm(vectors[0]))
    return "" if abs(length - 1) < 1e-3 else f"the vector has length {length:g}, not 1"


def _model_of(config: EndpointsConfig, name: str) -> str:
    match config.endpoints[name]:
        case OpenAIEntry(model=model) | OpenAIBatchEntry(model=model) | OpenAIImagesEntry(model=model):
            return model
        case DiffusersEntry(model=model):
            return shown_name(model)
        case SentenceTransformersEntry(model=given):
            return shown_name(given or BUNDLED)
        case HashEmbeddingsEntry(dim=dim):
            return f"hash-{dim}"
        case _:
            return scripted_model(name)


def _build(name: str, config: EndpointsConfig, cache_dir: Path | None) -> Any:
    match config.endpoints[name]:
        case OpenAIEntry() as entry:
            fields = entry.model_dump(exclude={"kind", "prices", "max_concurrency"})
            return OpenAIChat(name=name, max_connections=entry.max_concurrency, **fields)
        case OpenAIBatchEntry() as entry:
            of_batches = {"window", "gather_s", "poll_s", "batch_calls"}
            chat = OpenAIChat(name=name, **entry.model_dump(exclude={"kind", "prices", *of_batches}))
            folder = cache_dir / "batches" / name if cache_dir else None
            return BatchChat(chat, folder=folder, **entry.model_dump(include=of_batches))
        case OpenAIImagesEntry() as entry:
            fields = entry.model_dump(exclude={"kind", "prices", "max_concurrency"})
            return OpenAIImages(name=name, max_connections=entry.max_concurrency, **fields)
        case DiffusersEntry() as entry:
            return DiffusersImages(name=name, **entry.model_dump(exclude={"kind"}))
        case SentenceTransformersEntry() as entry:
            return SentenceTransformerEmbeddings(**entry.model_dump(exclude={"kind"}))
        case ScriptedEntry() as entry:
            return ScriptedChatEndpoint(entry.replies, name=name, model=scripted_model(name))
        case ScriptedImagesEntry() as entry:
            return ScriptedImages(name=name, model=scripted_model(name), side_px=entry.side_px)
        case HashEmbeddingsEntry() as entry:
            return HashEmbeddings(dim=entry.dim)
