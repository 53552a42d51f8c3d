"""Folders: where the program keeps a person's files, as the system has it for each kind of them.

Owns the name that they go under. Must not know what is in them.
"""

from pathlib import Path

import platformdirs

APP = "token-explorer"


def config_file() -> Path:
    """Where the configuration is looked for."""
    return platformdirs.user_config_path(APP) / "config.toml"


def theme_folder() -> Path:
    """Where a person's own themes are looked for."""
    return platformdirs.user_config_path(APP) / "themes"


def record_folder() -> Path:
    """Where records go that are given no place."""
    return platformdirs.user_data_path(APP) / "records"


def model_folder() -> Path:
    """Where the models are that were got out of packages."""
    return platformdirs.user_data_path(APP) / "models"


def log_folder() -> Path:
    """Where the engines and the faults of the program are written down."""
    return platformdirs.user_log_path(APP)


def cache_folder() -> Path:
    """Where what can be made again is kept."""
    return platformdirs.user_cache_path(APP)
