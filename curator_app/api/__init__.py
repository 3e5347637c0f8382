"""The HTTP routes: sign-in pages, the JSON API, pictures and health."""
