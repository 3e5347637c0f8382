"""Label Studio in step: labeling configs, tasks out, annotations back. Only `server` imports the SDK, when it runs."""
