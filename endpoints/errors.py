"""What a call to a model can fail with.

`kind` is the slug that an item's error record carries. An error whose class has `stops_run` is the machinery's:
every further call would fail in the same way. All others belong to one item, and the run goes on.
"""

from typing import ClassVar

from endpoints.messages import ChatReply


class EndpointError(Exception):
    """A call to a model gave no usable reply. `reply` is what did come back, when something did."""

    kind: ClassVar[str] = "endpoint_error"
    retryable: ClassVar[bool] = False
    stops_run: ClassVar[bool] = False

    def __init__(self, message: str, *, reply: ChatReply | None = None) -> None:
        super().__init__(message)
        self.reply = reply
        self.attempts = 1
        """How often the call was sent before it was given up."""


class RateLimited(EndpointError):
    """The server wants fewer calls (429, 529, or 503 with Retry-After). `retry_after_s`: None when unsaid."""

    kind = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TimedOut(EndpointError):
    """No complete reply within the time that one call may take."""

    kind = "timed_out"
    retryable = True


class Unreachable(EndpointError):
    """No connection, one that broke, an answer that is not HTTP, or an error inside the server (5xx)."""

    kind = "unreachable"
    retryable = True


class BadReply(EndpointError):
    """A reply came and cannot be used: empty, too long, not JSON, not UTF-8, or not of the schema asked for."""

    kind = "bad_reply"
    retryable = True


class SpoiledPicture(BadReply):
    """A model in this process drew nothing to look at. The same seed would draw the same, so it is not asked again."""

    retryable = False


class Truncated(EndpointError):
    """The model reached `max_tokens`; `reply.text` is the part that it wrote."""

    kind = "truncated"


class Refused(EndpointError):
    """The provider refused by its own signal (a content filter, a refusal field). Refusals in words are replies."""

    kind = "refused"


class BadRequest(EndpointError):
    """The server will not take this one request (400, 413, 422): too long, an unsupported picture or schema."""

    kind = "bad_request"


class BudgetSpent(EndpointError):
    """The run's budget, or the account's quota, is used up. No further call is made."""

    kind = "budget_spent"
    stops_run = True


class BadConfig(EndpointError):
    """The endpoint cannot work as configured: wrong address, key, model or missing price."""

    kind = "bad_config"
    stops_run = True


class PromptInvalid(ValueError):
    """A prompt file is missing or malformed, or its slots and the values given do not match."""


def check_finished(reply: ChatReply) -> ChatReply:
    """Return `reply` when the model finished it.

    Raises:
        Truncated: It was cut by length.
        Refused: The provider refused.
    """
    if reply.finish_reason == "length":
        written = "" if reply.usage is None else f" after {reply.usage.completion_tokens} tokens"
        raise Truncated(f"{reply.model}: the reply was cut by length{written}; raise max_tokens", reply=reply)
    if reply.finish_reason in ("content_filter", "refusal"):
        raise Refused(f"{reply.model}: the provider refused ({reply.finish_reason})", reply=reply)
    return reply
