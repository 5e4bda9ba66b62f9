"""The one reader of environment variables. NAME_FILE=/run/secrets/name works for every NAME."""

from pathlib import Path
from typing import Any

import environ
from environ.fileaware_mapping import FileAwareMapping

ROOT = Path(__file__).resolve().parents[3]
BACKEND = ROOT / "backend_django"


class SecretFiles(FileAwareMapping):
    """Files without the newline that editors and `echo` put at the end."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.rstrip("\r\n") if self.env.get(f"{key}_FILE") else value


class Env(environ.Env):
    """Values mean what they say: django-environ takes `$name` for the name of another variable,
    and a password that begins with a dollar for lost.
    """

    ENVIRON = SecretFiles()

    def get_value(self, var: str, cast: Any = None, *args: Any, **options: Any) -> Any:
        value = self.ENVIRON.get(self.prefix + var)
        if value is not None and value.startswith("$"):
            return self.parse_value(value, cast)
        return super().get_value(var, cast, *args, **options)


env = Env()
