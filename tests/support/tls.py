"""TLS for the servers of tests. The key is worthless: it is trusted only by a test that says so."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path

from tests.support.tcp import Talk

CERTIFICATE_OF_127_0_0_1 = """\
-----BEGIN CERTIFICATE-----
MIIBmjCCAUCgAwIBAgIUammGawBDcytxpS27xtpqMj71hS0wCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOUmV0cmlnZ2VyIHRlc3QwIBcNMjYxMTIzMDExMjE2WhgPMjEy
NjEwMzAwMTEyMTZaMBkxFzAVBgNVBAMMDlJldHJpZ2dlciB0ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEfczAPy88rvSHFM53L5dJ/SZ5mn31dTZ7LEcO76+G
FUbCg4KXNqDZXKkl66qiqlC8+KyyQWqiw9nF1NFG65Vpk6NkMGIwHQYDVR0OBBYE
FG9fAQXGKsDflh84++i38ImtvhHQMB8GA1UdIwQYMBaAFG9fAQXGKsDflh84++i3
8ImtvhHQMA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjO
PQQDAgNIADBFAiEA8K/yi0Y0gjNM/i/dJ0BsEnPEPw6pD4nMKBBgkp8nCNkCIAFw
ryJviRq/kvY3NGljDKSNygL8rg0Qc8sZwPZ4jMIs
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5zcz6HaYBD4ke6qr
K2NrDQbqLfn1B8wQqJ61v9IpuRihRANCAAR9zMA/Lzyu9IcUzncvl0n9JnmaffV1
NnssRw7vr4YVRsKDgpc2oNlcqSXrqqKqULz4rLJBaqLD2cXU0UbrlWmT
-----END PRIVATE KEY-----
"""


def over_tls(talk: Talk, folder: Path) -> tuple[Talk, Path]:
    """The same conversation over TLS, and the file with the certificate to trust. ``folder`` is for the two files."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(CERTIFICATE_OF_127_0_0_1)
    key.write_text(KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def secured(connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secure:
            talk(secure)

    return secured, certificate
