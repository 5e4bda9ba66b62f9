"""Static files: Django's content hashes for everything but what Vite has named already."""

from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hash, compress and name every file, but leave the built page's names as they are.

    Vite's files import each other by their own hashed names. Renaming them once more would make
    the browser load, and run, the entry twice.
    """

    built = "vue/"

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception]]:
        django_named = {
            name: path for name, path in paths.items() if not name.startswith(self.built)
        }
        yield from super().post_process(django_named, dry_run=dry_run, **options)
        if not dry_run:
            for name, compressed in self.compress_files(paths.keys() - django_named.keys()):
                yield name, compressed, True

    def stored_name(self, name: str) -> str:
        return name if name.startswith(self.built) else super().stored_name(name)
