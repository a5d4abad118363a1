"""Fixtures that several test modules share."""

from local_cloud import local, local_folder, own_folder

__all__ = ["local", "local_folder", "own_folder"]
