"""A chat endpoint that answers from a script: for tests and for trying a pipeline without a model."""

import inspect
from collections.abc import Awaitable, Callable, Sequence

from endpoints.errors import BadConfig, check_finished
from endpoints.messages import ChatReply, ChatRequest, Usage

Answer = str | ChatReply | Exception


class ScriptedChatEndpoint:
    """Answers with `replies` in turn, or with what `replies(request)` returns (or awaits).

    A string becomes a finished reply, an exception is raised, and a `ChatReply` that is cut or refused fails as it
    would from a real server. `requests` holds every request in the order of arrival. A script that has run out
    raises BadConfig.
    """

    def __init__(
        self,
        replies: Sequence[Answer] | Callable[[ChatRequest], Answer | Awaitable[Answer]],
        *,
        name: str = "scripted",
        model: str = "scripted-1",
    ) -> None:
        self.name = name
        self.model = model
        self.requests: list[ChatRequest] = []
        self._replies = replies if callable(replies) else list(replies)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the next scripted reply; token counts are a quarter of the characters."""
        self.requests.append(request)
        answer = await self._next_answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            asked = sum(len(message.text) for message in request.messages)
            usage = Usage(prompt_tokens=asked // 4 + 1, completion_tokens=len(answer) // 4 + 1)
            answer = ChatReply(text=answer, usage=usage, model=self.model)
        return check_finished(answer)

    async def _next_answer(self, request: ChatRequest) -> Answer:
        if callable(self._replies):
            answer = self._replies(request)
            return await answer if inspect.isawaitable(answer) else answer
        if len(self.requests) > len(self._replies):
            raise BadConfig(f"{self.name}: the script holds {len(self._replies)} replies and this is one call more")
        return self._replies[len(self.requests) - 1]
