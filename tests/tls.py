"""TLS in front of servers that speak it not, or that never finish a handshake.

PostgreSQL and Redis of the tests are built without it.
"""

import contextlib
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL's: before TLS begins
# The beginning of a record that says that 16,384 bytes follow.
RECORD = bytes.fromhex("16030340000200ff00")


def make_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 that has signed itself, and its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


class TlsProxy:
    """Listens with TLS and passes on what comes to a port of 127.0.0.1.

    While `hangs` is set, a handshake does not end: "silent" says nothing, "dribbling" says a byte
    now and then.
    """

    def __init__(self, target_port: int, certificate: Path) -> None:
        self.target_port, self.certificate = target_port, certificate
        self.hangs = ""
        self.handshakes = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def url(self, url: str, scheme: str = "", **query: str) -> str:
        """Return the address of the server with the proxy's port."""
        parts = urlsplit(url)
        host = f"{parts.netloc.rpartition(':')[0]}:{self.port}"
        return parts._replace(
            scheme=scheme or parts.scheme, netloc=host, query=urlencode(query)
        ).geturl()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if client.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
                client.recv(8)
                client.sendall(b"S")
            if self.hangs:
                pieces = iter(RECORD if self.hangs == "dribbling" else b"")
                while not self._over.wait(0.2):
                    client.sendall(bytes([next(pieces, 0)]) if self.hangs == "dribbling" else b"")
                return
            with (
                self._context.wrap_socket(client, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", self.target_port)) as server,
            ):
                self.handshakes += 1
                back = threading.Thread(target=_pass_on, args=(server, inside), daemon=True)
                back.start()
                _pass_on(inside, server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
