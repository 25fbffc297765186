"""Stands in for the package of this name, which FastChat needs for prompts of token ids alone."""
