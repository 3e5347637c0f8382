"""Errors of the pipeline package. Every message names the value and the remedy."""


class PipelineError(Exception):
    """Anything that the pipeline refuses or cannot do."""


class BadContent(PipelineError, ValueError):
    """A file of scenarios, or the taxonomy, does not have its form."""
