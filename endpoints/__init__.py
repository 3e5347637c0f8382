"""Every call to a model goes through here: chat, images, embeddings; with cache, limits, retries and cost."""
