from tests.tiny import cache, tiny_folders

__all__ = ["cache", "tiny_folders"]
