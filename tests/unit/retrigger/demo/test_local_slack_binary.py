import base64
import hashlib
import io
import subprocess
import tarfile
import threading

import pytest

from retrigger.demo import local_slack_binary
from retrigger.demo.local_slack_binary import BY_HAND, LocalSlackUnavailable, Pin, install, npm_pack, provide

PROGRAM = b"#!/bin/sh\necho a local Slack\n"


def tarball(program=PROGRAM):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/bin/local-slack")
        member.size = len(program)
        archive.addfile(member, io.BytesIO(program))
    return data.getvalue()


GOOD = tarball()


class Npm:
    """A registry with one package in it, which counts how often it is asked."""

    def __init__(self, data=GOOD):
        self.data, self.asked, self.pin = data, [], pin_for(data)

    def pack(self, package, folder):
        self.asked.append(package)
        path = folder / "package.tgz"
        path.write_bytes(self.data)
        return path


def pin_for(data, program=PROGRAM):
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    return Pin("local-slack-test@1", integrity, hashlib.sha256(program).hexdigest())


def quiet(_):
    pass


def test_it_is_fetched_checked_and_made_runnable(tmp_path):
    npm = Npm()
    said: list[str] = []
    program = install(npm.pin, tmp_path / "cache", npm.pack, said.append)
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o111
    assert npm.asked == ["local-slack-test@1"]
    assert said == ["Fetching local-slack-test@1 (about 37 MB) with npm, this one time"]
    assert sorted(path.name for path in program.parent.iterdir() if path.name != "lock") == ["local-slack"]


def test_the_second_time_nothing_is_fetched_or_said(tmp_path):
    npm = Npm()
    said: list[str] = []
    first = install(npm.pin, tmp_path, npm.pack, quiet)
    assert install(npm.pin, tmp_path, npm.pack, said.append) == first
    assert (len(npm.asked), said) == (1, [])


def test_a_program_that_was_changed_in_the_cache_is_replaced(tmp_path):
    npm = Npm()
    program = install(npm.pin, tmp_path, npm.pack, quiet)
    program.write_bytes(b"something else")
    assert install(npm.pin, tmp_path, npm.pack, quiet).read_bytes() == PROGRAM


def test_a_tarball_that_is_not_the_pinned_one_is_thrown_away(tmp_path):
    other = Npm(tarball(b"something else"))
    with pytest.raises(LocalSlackUnavailable, match="is not what it should be"):
        install(pin_for(GOOD), tmp_path, other.pack, quiet)
    assert not (tmp_path / "local-slack").exists()


def test_a_failed_fetch_keeps_the_folder_as_it_was(tmp_path):
    def offline(package, folder):
        (folder / "half.tgz").write_bytes(b"half")
        raise LocalSlackUnavailable("offline")

    with pytest.raises(LocalSlackUnavailable, match="offline"):
        install(pin_for(GOOD), tmp_path, offline, quiet)
    assert [path.name for path in tmp_path.iterdir() if path.name != "lock"] == []


def test_two_at_once_fetch_once(tmp_path):
    npm, found = Npm(), []
    threads = [
        threading.Thread(target=lambda: found.append(install(npm.pin, tmp_path, npm.pack, quiet))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(npm.asked), len(found)) == (1, 4)


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LocalSlackUnavailable, match="cannot be kept in"):
        install(pin_for(GOOD), tmp_path / "file" / "cache", Npm().pack, quiet)


def test_a_program_given_by_hand_is_taken_as_it_is(tmp_path, monkeypatch):
    program = tmp_path / "mine"
    program.write_bytes(PROGRAM)
    monkeypatch.setenv(BY_HAND, str(program))
    with pytest.raises(LocalSlackUnavailable, match="not a program that can be run"):
        provide(quiet)
    program.chmod(0o755)
    assert provide(quiet) == program


def test_a_platform_without_a_checked_build_is_told_what_to_do(monkeypatch):
    monkeypatch.delenv(BY_HAND, raising=False)
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(
        LocalSlackUnavailable, match=r"no checked build .* for \w+-riscv64 yet. .* RETRIGGER_LOCAL_SLACK"
    ):
        provide(quiet)


def npm_that(tmp_path, script):
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    return [str(npm)]


def test_npm_is_asked_for_the_package_and_its_tarball_found(tmp_path, monkeypatch):
    npm = npm_that(tmp_path, 'echo "$1 $2" > "$4/x.tgz"')
    monkeypatch.setattr(local_slack_binary, "_npms", lambda: iter([npm]))
    assert npm_pack("some@1", tmp_path).read_text() == "pack some@1\n"


def test_the_npm_of_the_extra_is_asked_when_the_first_one_fails(tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    old = npm_that(tmp_path / "old", "echo 'npm ERR! unknown option' >&2; exit 1")
    new = npm_that(tmp_path, 'echo "$1" > "$4/x.tgz"')
    monkeypatch.setattr(local_slack_binary, "_npms", lambda: iter([old, new]))
    assert npm_pack("some@1", tmp_path).name == "x.tgz"


def test_offline_says_what_npm_said_and_what_to_do(tmp_path, monkeypatch):
    npm = npm_that(tmp_path, "echo 'npm error code ENOTFOUND' >&2; echo 'npm error getaddrinfo' >&2; exit 1")
    monkeypatch.setattr(local_slack_binary, "_npms", lambda: iter([npm]))
    with pytest.raises(LocalSlackUnavailable, match=r"\(code ENOTFOUND; getaddrinfo\)\. Is this machine online\?"):
        npm_pack("some@1", tmp_path)


def test_without_any_npm_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(local_slack_binary, "_npms", lambda: iter([]))
    with pytest.raises(LocalSlackUnavailable, match="npm was not found"):
        npm_pack("some@1", tmp_path)


def test_the_extra_brings_an_npm_that_runs(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    (npm,) = local_slack_binary._npms()
    assert subprocess.run([*npm, "--version"], capture_output=True, text=True, timeout=30).stdout[0].isdigit()
