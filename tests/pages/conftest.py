from tests.tiny import cache, shared, tiny_folders

__all__ = ["cache", "shared", "tiny_folders"]
