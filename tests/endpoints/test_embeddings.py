"""The hash embeddings: unit vectors, the same everywhere, near when words are shared."""

import numpy as np
import pytest

from endpoints.embeddings import EmbeddingEndpoint, HashEmbeddings


def test_vectors_have_length_one_and_the_stated_shape() -> None:
    endpoint: EmbeddingEndpoint = HashEmbeddings(dim=64)
    vectors = endpoint.embed(["a knife on the counter", "", "?!", "刀"])
    assert (vectors.shape, vectors.dtype) == ((4, 64), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert endpoint.embed([]).shape == (0, 64)


def test_vectors_do_not_depend_on_the_process_or_on_the_neighbours() -> None:
    alone = HashEmbeddings(dim=8).embed(["Thin ice near the reeds"])
    np.testing.assert_array_equal(alone, HashEmbeddings(dim=8).embed(["x", "Thin ice near the reeds"])[1:])
    # Written down once: a change of the hash would make stored vectors useless without anyone noticing.
    np.testing.assert_allclose(alone[0, :4], [-0.228251, 0.0, 0.494543, -0.152167], atol=1e-6)


def test_shared_words_bring_texts_near() -> None:
    first, near, far = HashEmbeddings().embed(
        ["a toddler reaches the knives", "The toddler reaches for the knives!", "grated nutmeg in a soup"]
    )
    assert first @ near > 0.7 > 0.3 > first @ far


def test_a_dimension_that_cannot_hold_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="dim is 1"):
        HashEmbeddings(dim=1)
