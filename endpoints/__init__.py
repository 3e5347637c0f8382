"""Every call to a model goes through here. Nothing here yet."""
