"""The local cloud: MiniStack in an environment of its own, behind our wrapper."""
