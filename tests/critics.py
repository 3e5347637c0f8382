"""Readers of prompts that obey every order outside the fence and none inside; each has its own idea of its end."""

import codecs
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Callable

from endpoints.messages import Message

Critic = Callable[[str, str], str]
"""Takes the system and the user turn; returns what it holds for orders of ours."""


def fold(text: str) -> str:
    """What a lenient reader makes of a text: escapes decoded, look-alikes and case folded, hidden characters gone."""
    for _ in range(3):
        text = urllib.parse.unquote(html.unescape(text))
    text = re.sub(r"\\u[0-9a-fA-F]{4}", lambda found: codecs.decode(found.group(), "unicode_escape"), text)
    text = unicodedata.normalize("NFKC", text).casefold().translate(str.maketrans("‹›⟨⟩〈〉❮❯", "<><><><>"))
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def exact_critic(system: str, user: str) -> str:
    """Trusts the marks that carry the tag named in the instructions, wherever on a line they stand."""
    tag = re.search(r"</data:([0-9a-f]+)>", system)
    if tag is None:
        return system + user
    return system + re.sub(rf"<data:{tag[1]} name=.*?</data:{tag[1]}>", "", user, flags=re.DOTALL)


def lenient_critic(system: str, user: str) -> str:
    """Takes anything that looks like an opening or a closing mark for one, and does not look at the tag."""
    outside, within = [system], False
    for line in user.splitlines():
        squeezed = re.sub(r"\s", "", fold(line))
        if "</data" in squeezed or re.search(r"<(\||<?/?(sys|s>|end_of|start_of|tool)|!--)", squeezed):
            within = False
            outside.append(line)
        elif squeezed.startswith("<data"):
            within = True
        elif not within:
            outside.append(line)
    return "\n".join(outside)


def line_critic(system: str, user: str) -> str:
    """Takes every line without a bar before it for ours, by every line end that Unicode knows."""
    return system + "\n".join(line for line in user.splitlines() if not line.startswith("|"))


CRITICS: dict[str, Critic] = {"exact": exact_critic, "lenient": lenient_critic, "line": line_critic}


def obeys(critic: Critic, messages: tuple[Message, ...], order: str) -> bool:
    return fold(order) in fold(critic(messages[0].text, "\n".join(message.text for message in messages[1:])))
