"""What several browser tests look for on a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

STILL = "document.getAnimations().every((it) => it.effect.getTiming().iterations === Infinity)"
"""Nothing moves but what never ends: a half-faded text has too little contrast for a moment."""
ATTACKS = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "<svg onload=alert(3)>",
    "{{constructor.constructor('alert(4)')()}} ${alert(5)}",
    '<a href="javascript:alert(6)">click</a><iframe src="https://evil.example/"></iframe>',
]


def find_serious(tab: Any, state: str) -> list[str]:
    """Return axe's serious and critical findings on the page once nothing on it fades in any more."""
    tab.page.wait_for_function(STILL)
    results = Axe().run(tab.page, options={"resultTypes": ["violations"]})
    return [
        f"{state}: {found['id']} {node['target']} {node['failureSummary'].splitlines()[-1]}"
        for found in results.response["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


def hostile(number: int, kind: str) -> str:
    """Return a text with an attack in it that can be found again."""
    return f"{kind} {ATTACKS[number % len(ATTACKS)]} end"
