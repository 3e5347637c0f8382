"""The web server: our own routes first, then Gradio's pages behind the same gate."""

from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

from curator_app.access import Gate, Policy, allow
from curator_app.api import (
    audits,
    claims,
    failures,
    files,
    health,
    items,
    judge_runs,
    leakage,
    me,
    media,
    progress,
    releases,
    reviews,
    runs,
    sign_in,
    signed_pictures,
    training,
)
from curator_app.api.errors import install_error_handlers
from curator_app.api.sign_in import SlowLane
from curator_app.security import BodyLimit, PagePolicy, PlainInputs, SameOrigin, SecurityHeaders
from curator_app.sessions import COOKIE, SignInDesk
from curator_app.workspace import Workspace

ROUTERS = (
    sign_in.ROUTER,
    claims.ROUTER,
    reviews.ROUTER,
    leakage.ROUTER,
    audits.ROUTER,
    failures.ROUTER,
    failures.PAGES,
    progress.ROUTER,
    me.ROUTER,
    media.ROUTER,
    signed_pictures.ROUTER,
    releases.ROUTER,
    runs.ROUTER,
    judge_runs.ROUTER,
    training.ROUTER,
    items.ROUTER,
    health.ROUTER,
    files.ROUTER,
)
DESCRIPTION = (
    "Review image + query scenarios by script. Make a token with `curator users token NAME` and send it as "
    "`Authorization: Bearer TOKEN`. Errors have one shape: "
    '`{"error": {"code", "message", "fields"?: [{"field", "message"}]}}`.'
)


def build_server(workspace: Workspace, *, pages: bool = True) -> FastAPI:
    """Return the app for a workspace; it keeps the workspace open.

    Args:
        workspace: what is served.
        pages: whether to mount the Gradio pages, which takes seconds to load. Scripts need only the API.

    Raises:
        RuntimeError: a route declares no policy.
    """
    app = FastAPI(title="Curator", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.workspace = workspace
    app.state.desk = desk = SignInDesk(workspace.db)
    app.state.slow_lane = SlowLane()
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/api/v1/openapi.json", _describe(app), dependencies=[allow()], include_in_schema=False)
    _check_policies()
    install_error_handlers(app)
    files.mount_static(app)
    # Added last runs first. An explicit CORS policy that allows nobody also keeps Gradio from adding its own,
    # which would admit any origin that asks.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(PlainInputs)
    app.add_middleware(Gate, desk=desk)
    app.add_middleware(SameOrigin)
    app.add_middleware(BodyLimit)
    app.add_middleware(PagePolicy)
    app.add_middleware(SecurityHeaders)
    if pages:
        from curator_app.mounting import mount_pages

        mount_pages(app, workspace=workspace, desk=desk)
    return app


def own_routes() -> Iterator[APIRoute]:
    """Yield every route of our own, the OpenAPI document excepted."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute), f"{route} is no API route"
            yield route


def policy_of(route: APIRoute) -> Policy | None:
    """Return the access that a route declares, None when it declares none."""
    declared = [dependency.dependency for dependency in route.dependencies]
    policies = [call for call in declared if isinstance(call, Policy)]
    return policies[0] if policies else None


def _check_policies() -> None:
    bare = [f"{sorted(route.methods or ())} {route.path}" for route in own_routes() if policy_of(route) is None]
    if bare:
        raise RuntimeError(f"these routes declare no policy: {', '.join(bare)}; add dependencies=[allow(…)]")


def _describe(app: FastAPI) -> Callable[[], Awaitable[Response]]:
    """Return the handler of the OpenAPI document; it is made once, on first use."""

    @cache
    def document() -> dict[str, Any]:
        described = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        schemes = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token from `curator users token NAME`."},
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A browser's session."},
        }
        described.setdefault("components", {})["securitySchemes"] = schemes
        described["security"] = [{"bearer": []}, {"cookie": []}]
        for path in ("/healthz", "/readyz"):
            described["paths"][path]["get"]["security"] = []
        return described

    async def answer() -> Response:
        return JSONResponse(document())

    return answer
