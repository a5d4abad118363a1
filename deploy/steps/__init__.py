"""The eight steps of the pipeline, each a module that can create, describe, delete."""
