"""Picture endpoints: against a server that misbehaves, through cache, retries and ledger, and from a script."""

import asyncio
from io import BytesIO
from pathlib import Path

import imagehash
import pytest
from faulty_server import Fault, plan_from
from picture_server import PictureFault, PictureServer, png_of
from PIL import Image

from endpoints.cache import DiskCache
from endpoints.errors import (
    BadConfig,
    BadReply,
    BadRequest,
    BudgetSpent,
    EndpointError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from endpoints.images import OpenAIImages, PicturePrice, ResilientImages, ScriptedImages, picture_seed
from endpoints.ledger import Budget, Ledger
from endpoints.messages import Usage
from endpoints.resilient import RetryPolicy

FAST = RetryPolicy(first_delay_s=0.001)


def connect(server: PictureServer, **options: object) -> OpenAIImages:
    fields = {"name": "pictures", "model": "pixel-1", "base_url": server.url, "send_seed": True} | options
    return OpenAIImages(**fields)  # type: ignore[arg-type]


def draw(
    endpoint: OpenAIImages | ScriptedImages | ResilientImages, prompt: str, seed: int = 5, n: int = 1
) -> list[bytes]:
    return asyncio.run(endpoint.generate(prompt, seed=seed, count=n))


def test_pictures_come_one_call_each_with_seeds_of_their_own() -> None:
    with PictureServer() as server:
        got = draw(connect(server, quality="high"), "a kitchen", seed=5, n=3)
    seeds = [picture_seed(5, number) for number in range(3)]
    assert seeds[0] == 5
    assert len(set(seeds)) == 3
    assert got == [png_of("a kitchen", seed) for seed in seeds]
    assert sorted(body.pop("seed") for body in server.pictures) == sorted(seeds)
    fixed = {"model": "pixel-1", "prompt": "a kitchen", "n": 1, "size": "1024x1024", "quality": "high"}
    assert server.pictures == [fixed | {"response_format": "b64_json"}] * 3


def test_fields_that_a_server_refuses_can_be_left_out() -> None:
    with PictureServer() as server:
        endpoint = connect(server, send_seed=False, ask_base64=False, size=None, extra_body={"style": "photo"})
        draw(endpoint, "a kitchen")
    assert server.pictures == [{"model": "pixel-1", "prompt": "a kitchen", "n": 1, "style": "photo"}]


@pytest.mark.parametrize(
    ("word", "error", "said"),
    [
        (PictureFault.ADDRESS, BadConfig, "never followed"),
        (PictureFault.NOT_BASE64, BadReply, "not base64"),
        (PictureFault.NO_PICTURE, BadReply, "no whole PNG, JPEG or WebP"),
        (PictureFault.NOTHING, BadReply, "not a reply of the images API"),
        (PictureFault.CUT, BadReply, "no whole PNG, JPEG or WebP"),
        (PictureFault.BOMB, BadReply, "9000 x 9000 px"),
        (PictureFault.LARGE, BadReply, "more than 1,000"),
        (PictureFault.POLICY, Refused, "safety system"),
    ],
)
def test_a_reply_without_a_usable_picture_is_an_error(
    word: PictureFault, error: type[EndpointError], said: str
) -> None:
    limit = 1_000 if word is PictureFault.LARGE else 20_000_000
    with PictureServer() as server, pytest.raises(error, match=said):
        draw(connect(server, max_picture_bytes=limit), f"{word} in a kitchen")
    assert server.fetched == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RATE_LIMITED, RateLimited),
        (Fault.RATE_LIMITED_SECONDS, RateLimited),
        (Fault.SERVER_ERROR, Unreachable),
        (Fault.HTML_ERROR, Unreachable),
        (Fault.CLOSED, Unreachable),
        (Fault.RESET, Unreachable),
        (Fault.HANG, TimedOut),
        (Fault.DRIP, TimedOut),
        (Fault.NOT_HTTP, Unreachable),
        (Fault.NOT_JSON, BadReply),
        (Fault.EMPTY_BODY, BadReply),
        (Fault.WRONG_SHAPE, BadReply),
        (Fault.BOMB, BadReply),
        (Fault.HUGE_CHUNKED, BadReply),
        (Fault.NO_MODEL, BadConfig),
        (Fault.NO_QUOTA, BudgetSpent),
        (Fault.TOO_LONG, BadRequest),
    ],
)
def test_every_fault_on_the_wire_becomes_its_own_error(fault: Fault, error: type[EndpointError]) -> None:
    timeout_s = 1.0 if error is TimedOut else 30
    with PictureServer(plan=plan_from({"a kitchen": fault})) as server, pytest.raises(EndpointError) as caught:
        draw(connect(server, timeout_s=timeout_s, max_picture_bytes=1_000_000), "a kitchen")
    assert type(caught.value) is error
    assert server.requests["a kitchen"] == 1


def test_a_reply_of_ten_megabytes_is_not_read_to_its_end() -> None:
    with (
        PictureServer(plan=plan_from({"a kitchen": Fault.HUGE_CHUNKED})) as server,
        pytest.raises(BadReply, match="longer than 1433332 bytes and was not read"),
    ):
        draw(connect(server, max_picture_bytes=1_000_000), "a kitchen")


def test_the_key_is_sent_and_never_shown(api_key: str) -> None:
    with PictureServer(plan=plan_from({"a kitchen": Fault.BAD_KEY})) as server, pytest.raises(BadConfig) as caught:
        draw(connect(server, api_key_env="TEST_ENDPOINT_KEY"), "a kitchen")
    assert f"Bearer {api_key}".encode() in server.headers[0]
    shown = repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert api_key not in shown
    assert "401" in shown


def test_a_lone_surrogate_in_the_prompt_is_a_bad_request() -> None:
    with PictureServer() as server:
        endpoint = connect(server)
        for tried in (endpoint, ResilientImages(endpoint, cache=None)):
            with pytest.raises(BadRequest, match="surrogate"):
                draw(tried, "a \ud800 kitchen")
    assert server.pictures == []


def test_pictures_are_kept_by_prompt_seed_and_options(tmp_path: Path) -> None:
    ledger = Ledger()
    with PictureServer() as server:

        def ask(prompt: str, seed: int, n: int, **options: object) -> list[bytes]:
            endpoint = connect(server, **options)
            return draw(
                ResilientImages(endpoint, cache=DiskCache(tmp_path), folder=tmp_path / "pictures", ledger=ledger),
                prompt,
                seed,
                n,
            )

        first = ask("a kitchen", 5, 2)
        assert ask("a kitchen", 5, 3)[:2] == first
        assert len(server.pictures) == 3
        for changed in ({"size": "512x512"}, {"quality": "low"}, {"model": "pixel-2"}, {"extra_body": {"a": 1}}):
            ask("a kitchen", 5, 1, **changed)
        ask("a kitchen", 6, 1)
        ask("a kitchen.", 5, 1)
        assert len(server.pictures) == 9
        assert ask("a kitchen", 6, 1) == [png_of("a kitchen", 6)]
        assert len(server.pictures) == 9
    assert (ledger.total.calls, ledger.total.cached) == (9, 3)


def test_without_a_seed_at_the_server_a_seed_still_stands_for_one_picture(tmp_path: Path) -> None:
    with PictureServer() as server:
        endpoint = ResilientImages(
            connect(server, send_seed=False), cache=DiskCache(tmp_path), folder=tmp_path / "pictures"
        )
        draw(endpoint, "a kitchen", 1)
        draw(endpoint, "a kitchen", 2)
        draw(endpoint, "a kitchen", 1)
    assert len(server.pictures) == 2
    assert all("seed" not in body for body in server.pictures)


def test_a_failed_picture_leaves_the_others_kept_and_is_asked_for_again(tmp_path: Path) -> None:
    bad = {picture_seed(7, 1)}
    scripted = ScriptedImages(lambda prompt, seed: Refused("no") if seed in bad else None)
    endpoint = ResilientImages(scripted, cache=DiskCache(tmp_path), folder=tmp_path / "pictures", retry=FAST)
    with pytest.raises(Refused):
        draw(endpoint, "a kitchen", 7, 4)
    bad.clear()
    assert len(draw(endpoint, "a kitchen", 7, 4)) == 4
    assert [seed for _, seed in scripted.requests[4:]] == [picture_seed(7, 1)]


@pytest.mark.parametrize("harm", ["delete", "damage", "empty"])
def test_a_kept_picture_that_was_harmed_is_asked_for_again(harm: str, tmp_path: Path) -> None:
    scripted = ScriptedImages()
    endpoint = ResilientImages(scripted, cache=DiskCache(tmp_path), folder=tmp_path / "pictures")
    first = draw(endpoint, "a kitchen")
    (kept,) = [path for path in (tmp_path / "pictures").rglob("*") if path.is_file()]
    match harm:
        case "delete":
            kept.unlink()
        case "damage":
            kept.write_bytes(first[0][:-1] + b"x")
        case "empty":
            kept.write_bytes(b"")
    assert draw(endpoint, "a kitchen") == draw(endpoint, "a kitchen") == first
    assert len(scripted.requests) == 2


def test_equal_requests_at_the_same_time_are_one_call(tmp_path: Path) -> None:
    async def ask_thrice(endpoint: ResilientImages) -> list[list[bytes]]:
        return await asyncio.gather(*[endpoint.generate("a kitchen", seed=5, count=1) for _ in range(3)])

    with PictureServer() as server:
        for folder in (tmp_path / "pictures", None):
            cache = DiskCache(tmp_path) if folder else None
            got = asyncio.run(ask_thrice(ResilientImages(connect(server), cache=cache, folder=folder)))
            assert got == [[png_of("a kitchen", 5)]] * 3
    assert len(server.pictures) == 2
    with pytest.raises(ValueError, match="both"):
        ResilientImages(ScriptedImages(), cache=DiskCache(tmp_path))


def test_passing_faults_are_retried_and_counted() -> None:
    ledger = Ledger(prices={"pixel-1": PicturePrice(0.0, 0.0, 0.04)})
    plan = plan_from({"a kitchen": Fault.SERVER_ERROR, "a garage": Fault.RATE_LIMITED_SECONDS}, times=2)
    with PictureServer(plan=plan) as server:
        endpoint = ResilientImages(connect(server), ledger=ledger, retry=FAST, run="r1")
        assert draw(endpoint, "a kitchen") == [png_of("a kitchen", 5)]
        assert draw(endpoint, "a garage") == [png_of("a garage", 5)]
    total = ledger.totals("run", "role", "model")["r1", "image", "pixel-1"]
    assert (total.calls, total.failed) == (6, 4)
    assert total.known_usd == pytest.approx(0.08)
    assert total.unknown_costs == 2  # the server errors: nobody knows whether they are charged


def test_a_picture_without_a_price_has_an_unknown_cost_and_a_free_one_costs_nothing() -> None:
    unknown, free = Ledger(), Ledger(prices={"scripted-shapes-1": PicturePrice(0.0, 0.0, 0.0)})
    draw(ResilientImages(ScriptedImages(), ledger=unknown), "a kitchen")
    draw(ResilientImages(ScriptedImages(), ledger=free), "a kitchen")
    assert unknown.total.cost_usd is None
    assert free.total.cost_usd == 0.0


def test_a_budget_in_dollars_stops_at_the_price_of_pictures() -> None:
    ledger = Ledger(prices={"scripted-shapes-1": PicturePrice(0.0, 0.0, 0.25)})
    scripted = ScriptedImages()
    endpoint = ResilientImages(scripted, ledger=ledger, budget=Budget(usd=0.5))
    draw(endpoint, "a kitchen")
    draw(endpoint, "a garage")
    with pytest.raises(BudgetSpent):
        draw(endpoint, "a garden")
    assert len(scripted.requests) == 2
    with pytest.raises(BadConfig, match="price"):
        ResilientImages(ScriptedImages(model="other"), ledger=ledger, budget=Budget(usd=0.5))


def test_a_price_may_have_tokens_beside_the_picture() -> None:
    price = PicturePrice(10.0, 40.0, 0.01)
    assert price.cost(Usage(1_000, 500)) == pytest.approx(0.01 + 0.01 + 0.02)
    assert not price.is_free
    assert not PicturePrice(0.0, 0.0, 0.01).is_free
    assert not PicturePrice(0.0, 1.0).is_free


def test_scripted_pictures_follow_from_prompt_and_seed() -> None:
    one, again = draw(ScriptedImages(), "a kitchen", 3, 2), draw(ScriptedImages(), "a kitchen", 3, 2)
    assert one == again
    others = [one[0], one[1], *draw(ScriptedImages(), "a garage", 3), *draw(ScriptedImages(), "a kitchen", 4)]
    opened = [Image.open(BytesIO(data)) for data in others]
    assert [(picture.format, picture.size) for picture in opened] == [("PNG", (256, 256))] * 4
    hashes = [imagehash.phash(picture) for picture in opened]
    distances = [a - b for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(distances) > 8  # no two count as the same picture


def test_a_script_may_give_pictures_and_failures_of_its_own() -> None:
    mine = png_of("mine", 1)
    assert draw(ScriptedImages(lambda prompt, seed: mine if seed == 1 else None), "a kitchen", 1) == [mine]
    with pytest.raises(Unreachable):
        draw(ScriptedImages(lambda prompt, seed: Unreachable("gone")), "a kitchen")


def test_checking_a_server_draws_nothing() -> None:
    with PictureServer(models=["pixel-1", "pixel-2"]) as server:
        assert asyncio.run(connect(server).check()) == ""
        with pytest.raises(BadConfig, match=r"no model 'pixel-3'; it lists: pixel-1, pixel-2"):
            asyncio.run(connect(server, model="pixel-3").check())
    with PictureServer() as server:
        assert "not checked" in asyncio.run(connect(server).check())
        assert server.pictures == []
    with pytest.raises(Unreachable):
        asyncio.run(connect(server).check())
    with PictureServer(models=["pixel-1"], plan=plan_from({"models": Fault.NOT_JSON})) as server:
        assert "cannot be read" in asyncio.run(connect(server).check())
