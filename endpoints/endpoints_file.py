"""The endpoints file: which models there are and which role each one plays, read strictly.

The file holds no secret, only the names of the environment variables that do.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from endpoints.batch import MAX_BATCH_CALLS, PRICE_FACTOR
from endpoints.errors import BadConfig
from endpoints.images import PicturePrice
from endpoints.ledger import Price
from endpoints.local_models import shown_name
from storage.records import Frozen
from storage.strict_yaml import YamlRefused, read_yaml

ChatRole = Literal["critic", "rewriter", "validator", "judge_a", "judge_b", "target", "captioner", "text_only_probe"]
CHAT_ROLES: tuple[ChatRole, ...] = get_args(ChatRole)
ROLES = ("generator", *CHAT_ROLES, "image", "embedding")

SECRET_FIELDS = re.compile(r"(api[-_]?)?key|(access[-_]?|auth[-_]?)?token|password|passwd|secret|authorization", re.I)
KEY_PREFIXES = re.compile(
    r"\b(sk|pk|rk|hf|gsk|r8|xai|nvapi|ghp|glpat|pplx|fw|AIza|AKIA|ya29)[-_.]?[A-Za-z0-9*-]{4}[A-Za-z0-9_*-]{8,}"
    r"|Bearer\s+\S+|(?<=://)[^/@\s]+@",
    re.ASCII,
)
RANDOM_RUN = re.compile(r"[A-Za-z0-9]{32,}")
SECRET_FOUND = (
    "looks like a secret; put it into an environment variable, give that variable's NAME as api_key_env, "
    "and make a new key if the file was ever shared"
)
SHOWN_CHARACTERS = 60


def _check_variable(name: str) -> str:
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,127}", name):
        raise ValueError("give the NAME of an environment variable (capitals, digits, underscores), never the key")
    return name


def _check_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^/\s?#]+[^\s?#]*", url):
        raise ValueError("an address begins with http:// or https:// and usually ends in /v1")
    return url


def _check_size(size: str) -> str:
    if any(int(side) % 16 for side in size.split("x")):
        raise ValueError("width and height must be multiples of 16 pixels")
    return size


Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Variable = Annotated[str, AfterValidator(_check_variable)]
Address = Annotated[str, AfterValidator(_check_address)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Concurrency = Annotated[int, Field(ge=1, le=4096)]
Device = Annotated[str, Field(pattern=r"^(auto|cpu|mps|xpu|cuda(:\d{1,2})?)$")]


class TokenPrices(Frozen):
    """Dollars per million tokens; 0 for a model that costs nothing."""

    prompt_usd_per_million: Dollars
    completion_usd_per_million: Dollars


class PicturePrices(Frozen):
    """Dollars for one picture of the size and quality configured; 0 for a model that costs nothing."""

    image_usd: Dollars


FREE = PicturePrices(image_usd=0)
"""A picture drawn in this process."""


class OpenAIEntry(Frozen):
    """A chat model on an OpenAI-compatible server."""

    kind: Literal["openai"]
    model: Name
    base_url: Address
    api_key_env: Variable | None = None
    """Environment variable with the key. None: the server asks for none."""
    timeout_s: Seconds = 120.0
    max_concurrency: Concurrency = 64
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, Any] = Field(default_factory=dict)
    prices: TokenPrices | None = None
    """None: unknown, and shown as unknown."""


class OpenAIBatchEntry(Frozen):
    """A chat model behind OpenAI's batch API; see `batch.BatchChat`."""

    kind: Literal["openai_batch"]
    model: Name
    base_url: Address
    api_key_env: Variable | None = None
    window: Annotated[str, Field(pattern=r"^[1-9]\d{0,2}[hd]$")] = "24h"
    gather_s: Seconds = 5.0
    poll_s: Seconds = 30.0
    batch_calls: int = Field(default=1000, ge=1, le=MAX_BATCH_CALLS)
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, Any] = Field(default_factory=dict)
    prices: TokenPrices | None = None
    """Those of ordinary calls, of which half is counted. None: unknown, and shown as unknown."""


class OpenAIImagesEntry(Frozen):
    """A picture model behind an OpenAI-compatible images API; the fields are those of `images.OpenAIImages`."""

    kind: Literal["openai_images"]
    model: Name
    base_url: Address
    api_key_env: Variable | None = None
    timeout_s: Seconds = 300.0
    max_concurrency: Concurrency = 8
    max_picture_bytes: int = Field(default=20_000_000, ge=1_000, le=100_000_000)
    size: str | None = Field(default="1024x1024", pattern=r"^(\d{2,5}x\d{2,5}|auto)$")
    quality: Name | None = None
    send_seed: bool = False
    ask_base64: bool = True
    extra_body: dict[str, Any] = Field(default_factory=dict)
    prices: PicturePrices | None = None
    """None: unknown, and shown as unknown."""


class ScriptedEntry(Frozen):
    """Replies given in turn, without a model."""

    kind: Literal["scripted"]
    replies: tuple[str, ...] = Field(min_length=1)


class ScriptedImagesEntry(Frozen):
    """Pictures of coloured shapes, without a model."""

    kind: Literal["scripted_images"]
    side_px: int = Field(default=256, ge=16, le=2048)


class HashEmbeddingsEntry(Frozen):
    """Vectors from hashed words, without a model."""

    kind: Literal["hash_embeddings"]
    dim: int = Field(default=384, ge=2, le=8192)


class DiffusersEntry(Frozen):
    """A picture model in this process; the fields are those of `diffusers_images.DiffusersImages`. Costs nothing."""

    kind: Literal["diffusers"]
    model: Name
    pipeline: Literal["flux2", "qwen_image"]
    device: Device = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    offload: Literal["none", "model", "sequential"] = "none"
    steps: int = Field(default=50, ge=1, le=1000)
    guidance: float = Field(default=4.0, ge=0, le=100, allow_inf_nan=False)
    negative_prompt: str = Field(default=" ", min_length=1, max_length=2000)
    size: Annotated[str, Field(pattern=r"^\d{2,4}x\d{2,4}$"), AfterValidator(_check_size)] = "1024x1024"
    batch: int = Field(default=1, ge=1, le=64)

    @model_validator(mode="after")
    def _fit_options(self) -> "DiffusersEntry":
        if self.offload != "none" and self.device == "cpu":
            raise ValueError(f"`offload: {self.offload}` needs a GPU; set `offload: none` for `device: cpu`")
        if self.pipeline == "flux2" and self.negative_prompt != " ":
            raise ValueError("`negative_prompt` is for qwen_image; FLUX.2 takes none")
        return self


class SentenceTransformersEntry(Frozen):
    """A sentence embedder in this process."""

    kind: Literal["sentence_transformers"]
    model: Name | None = None
    """None: all-MiniLM-L6-v2, whose weights a package carries."""
    device: Device = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    batch_size: int = Field(default=32, ge=1, le=4096)


Entry = Annotated[
    OpenAIEntry
    | OpenAIBatchEntry
    | OpenAIImagesEntry
    | DiffusersEntry
    | ScriptedEntry
    | ScriptedImagesEntry
    | SentenceTransformersEntry
    | HashEmbeddingsEntry,
    Field(discriminator="kind"),
]
ENTRIES: dict[str, type[Frozen]] = {
    "openai": OpenAIEntry,
    "openai_batch": OpenAIBatchEntry,
    "openai_images": OpenAIImagesEntry,
    "diffusers": DiffusersEntry,
    "scripted": ScriptedEntry,
    "scripted_images": ScriptedImagesEntry,
    "sentence_transformers": SentenceTransformersEntry,
    "hash_embeddings": HashEmbeddingsEntry,
}
CHAT_KINDS = ("openai", "openai_batch", "scripted")
IMAGE_KINDS = ("openai_images", "diffusers", "scripted_images")
EMBEDDING_KINDS = ("sentence_transformers", "hash_embeddings")


class GeneratorShare(Frozen):
    """One model of the mixture that writes scenarios. Weights need not add up to 1."""

    endpoint: str
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class RolesConfig(Frozen):
    """Which endpoint plays which role. A role that is left out cannot be used."""

    generator: tuple[GeneratorShare, ...] = ()
    critic: str | None = None
    rewriter: str | None = None
    validator: str | None = None
    judge_a: str | None = None
    judge_b: str | None = None
    target: str | None = None
    captioner: str | None = None
    text_only_probe: str | None = None
    image: str | None = None
    embedding: str | None = None

    def by_endpoint(self) -> dict[str, tuple[str, ...]]:
        """Return endpoint -> its roles, in the order of ROLES."""
        found: dict[str, tuple[str, ...]] = {}
        for role, name in self.pairs():
            found[name] = (*found.get(name, ()), role)
        return found

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield every role that is given, with the name of its endpoint."""
        for share in self.generator:
            yield "generator", share.endpoint
        for role in ROLES[1:]:
            if (name := getattr(self, role)) is not None:
                yield role, name


class EndpointsConfig(Frozen):
    """The endpoints file."""

    version: Literal[1] = 1
    endpoints: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")], Entry]
    roles: RolesConfig = RolesConfig()

    @field_validator("roles")
    @classmethod
    def _name_generators_once(cls, roles: RolesConfig) -> RolesConfig:
        names = [share.endpoint for share in roles.generator]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"generator names {', '.join(twice)} twice; add up the weights instead")
        return roles

    @model_validator(mode="after")
    def _fit_roles(self) -> "EndpointsConfig":
        for role, name in self.roles.pairs():
            entry = self.endpoints.get(name)
            if entry is None:
                known = ", ".join(self.endpoints) or "none"
                raise ValueError(f"the role {role} names the endpoint {name!r}, which is not in the file ({known})")
            kinds = {"image": IMAGE_KINDS, "embedding": EMBEDDING_KINDS}.get(role, CHAT_KINDS)
            if entry.kind not in kinds:
                raise ValueError(
                    f"the role {role} names the endpoint {name!r} of kind {entry.kind}; "
                    f"it needs one of kind {' or '.join(kinds)}"
                )
        return self

    @model_validator(mode="after")
    def _price_models_once(self) -> "EndpointsConfig":
        # The ledger counts by the model's name.
        first: dict[str, tuple[str, Any]] = {}
        for name, entry in self.endpoints.items():
            match entry:
                case OpenAIEntry() | OpenAIBatchEntry() | OpenAIImagesEntry():
                    model, told = entry.model, entry.prices
                case DiffusersEntry():
                    model, told = shown_name(entry.model), FREE
                case _:
                    continue
            other, prices = first.setdefault(model, (name, told))
            if prices != told:
                raise ValueError(
                    f"the endpoints {other!r} and {name!r} give different prices for the model {model!r}; "
                    "costs are counted by the model's name: give both the same, or let one server use an alias"
                )
        return self

    def prices(self) -> dict[str, Price]:
        """Return model -> price, for `ledger.Ledger`. A model without a price is left out: its cost is unknown."""
        found: dict[str, Price] = {}
        for name, entry in self.endpoints.items():
            match entry:
                case OpenAIEntry(prices=TokenPrices() as told) | OpenAIBatchEntry(prices=TokenPrices() as told):
                    found[entry.model] = Price(told.prompt_usd_per_million, told.completion_usd_per_million)
                case OpenAIImagesEntry(prices=PicturePrices() as told):
                    found[entry.model] = PicturePrice(0.0, 0.0, told.image_usd)
                case DiffusersEntry():
                    found[shown_name(entry.model)] = PicturePrice(0.0, 0.0, FREE.image_usd)
                case ScriptedEntry() | ScriptedImagesEntry():
                    found[scripted_model(name)] = Price(0.0, 0.0)
        return found

    def price_of(self, name: str, model: str) -> Price | None:
        """Return what the endpoint called `name` takes for its model: a part of the price when it makes batches."""
        price = self.prices().get(model)
        if price is None or not isinstance(self.endpoints.get(name), OpenAIBatchEntry):
            return price
        return Price(price.prompt_usd * PRICE_FACTOR, price.completion_usd * PRICE_FACTOR)


def scripted_model(name: str) -> str:
    """Return the model's name of a scripted endpoint; no server's model is called so."""
    return f"scripted:{name}"


def load_endpoints(path: Path) -> EndpointsConfig:
    """Read an endpoints file (YAML).

    Raises:
        BadConfig: The file cannot be read, holds a secret, or does not have its form. The message names every place
            and value that is wrong, and never a secret.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadConfig(f"there is no endpoints file {path}; write one, as docs/endpoint-config.md says") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise BadConfig(f"endpoints file {path} cannot be read: {exc}") from exc
    try:
        raw = read_yaml(text)
    except YamlRefused as exc:
        raise BadConfig(f"endpoints file {path} is not YAML: {exc}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if looks_secret(line.partition("#")[2]):
            raise BadConfig(f"endpoints file {path}: the comment in line {number} {SECRET_FOUND}")
    return read_endpoints(raw, source=f"endpoints file {path}")


def read_endpoints(raw: Any, *, source: str = "endpoints") -> EndpointsConfig:
    """Read the content of an endpoints file; `source` stands at the head of every error.

    Raises:
        BadConfig: It holds a secret or does not have its form.
    """
    try:
        secrets = [f"{place} ({masked})" for place, masked in find_secrets(raw)]
    except RecursionError:
        raise BadConfig(f"{source}: a value holds itself") from None
    if secrets:
        raise BadConfig(f"{source}: {', '.join(secrets)} {SECRET_FOUND}")
    try:
        return EndpointsConfig.model_validate(raw)
    except ValidationError as exc:
        # Not chained: pydantic's error holds every value of the file.
        problems = "; ".join(_describe(error) for error in exc.errors(include_url=False)[:10])
    raise BadConfig(f"{source}: {problems}")


def find_secrets(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the place of every value that looks like a key, a password or a token, and the value masked.

    Scripted replies are foreign text and are not searched.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            where = f"{place}.{key}" if place else str(key)
            if key == "replies":
                continue
            if isinstance(inner, str) and inner and SECRET_FIELDS.fullmatch(str(key)):
                yield where, mask(inner)
            else:
                yield from find_secrets(inner, where)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from find_secrets(inner, f"{place}[{number}]")
    elif isinstance(value, str) and looks_secret(value):
        yield place, mask(value)


def looks_secret(text: str) -> bool:
    """Whether `text` holds a key by its beginning, an address with a password, or 32 random letters and digits."""
    return bool(KEY_PREFIXES.search(text)) or any(_is_random(run) for run in RANDOM_RUN.findall(text))


def mask(text: str) -> str:
    """Return a secret as it may be shown: its first characters and its length."""
    return f"'{text[: min(4, len(text) // 4)]}...', {len(text)} characters"


def _is_random(run: str) -> bool:
    digits = sum(character.isdigit() for character in run)
    mixed = any(character.islower() for character in run) and any(character.isupper() for character in run)
    is_hex = re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", run) is not None
    return digits >= 3 and (mixed or is_hex)


def _describe(error: Any) -> str:
    steps = [str(step) for step in error["loc"]]
    entry = ENTRIES.get(steps[2]) if steps[:1] == ["endpoints"] and len(steps) > 2 else None
    if entry is not None:
        del steps[2]  # the kind, by which pydantic names the alternative
    place = ".".join(steps) or "the file"
    if error["type"] == "extra_forbidden":
        model = {"roles": RolesConfig, "endpoints": entry}.get(steps[0]) if len(steps) > 1 else EndpointsConfig
        known = f"; known here: {', '.join(model.model_fields)}" if model and len(steps) < 4 else ""
        return f"{place} is not known{known}"
    if error["type"] == "union_tag_invalid":
        return f"{place}: unknown kind {error['ctx']['tag']!r}; known kinds: {', '.join(ENTRIES)}"
    if error["type"] == "union_tag_not_found":
        return f"{place}: `kind` is missing; known kinds: {', '.join(ENTRIES)}"
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing" or isinstance(error["input"], Mapping | Frozen):
        return f"{place}: {said}"
    return f"{place}: {said} (got {_show(error['input'], is_variable=steps[-1:] == ['api_key_env'])})"


def _show(value: Any, *, is_variable: bool) -> str:
    if is_variable and isinstance(value, str):
        return mask(value)  # who writes the key itself there shall not find it in a log
    shown = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(shown) if len(shown) <= SHOWN_CHARACTERS else repr(shown[:SHOWN_CHARACTERS]) + "..."
