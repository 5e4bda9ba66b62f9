from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend_django.pages.runtime_env import RuntimeEnvError
from backend_django.pages.views import page_values, render_page


class Command(BaseCommand):
    help = "Check the page's run-time values; with --output write the filled page for a CDN."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, help="directory to write index.html to")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            page = render_page()
        except (RuntimeEnvError, FileNotFoundError) as error:
            raise CommandError(str(error)) from error
        for name, value in page_values().items():
            self.stdout.write(f"VITE_APP_{name}={value}")
        if options["output"]:
            options["output"].mkdir(parents=True, exist_ok=True)
            (options["output"] / "index.html").write_text(page.html, encoding="utf-8")
