"""Certificates for one run of the checks, from the `openssl` program."""

import pathlib
import subprocess


def certificates(folder: pathlib.Path) -> None:
    """An authority (`ca.pem`), and what it signed for this machine (`server.pem`, `server.key`), for two days."""
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    authority = ["-subj", "/CN=checks", "-addext", "keyUsage=critical,keyCertSign"]
    server = ["-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    for command in (
        [*new, *authority, "-keyout", "ca.key", "-out", "ca.pem"],
        [*new, *server, *names, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key", "-out", "server.pem"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
