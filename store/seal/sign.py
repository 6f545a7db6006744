"""Signing a receipt with `ssh-keygen -Y`, and asking whether somebody trusted did: everybody has the tool, and keys already."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from store.errors import Refused

NAMESPACE = "closeout-receipt@closeout"
"""The purpose that a signature is bound to: one made for anything else does not pass."""

_TIMEOUT_S = 120  # a hardware key waits for a touch, a locked one for its passphrase


def sign_file(file: Path, key: Path) -> Path:
    """Sign a file; returns the signature's path, FILE.sig.

    Raises:
        Refused: there is no such key, or the tool does not sign with it.
    """
    if not key.exists():
        raise Refused(f"there is no key {key}", "name an SSH key, such as ~/.ssh/id_ed25519")
    signature = signature_of(file)
    signature.unlink(missing_ok=True)
    done = _keygen("sign", "-f", str(key), "-n", NAMESPACE, str(file))
    if done.returncode != 0 or not signature.exists():
        raise Refused(
            f"ssh-keygen did not sign: {_said(done)}", f"try: ssh-keygen -Y sign -f {key} -n {NAMESPACE} {file}"
        )
    return signature


def signature_of(file: Path) -> Path:
    """Where the signature of a file lies."""
    return file.with_name(file.name + ".sig")


def signer_of(file: Path, signature: Path, allowed: Path) -> tuple[str | None, str]:
    """Who of the allowed signers signed the file: a name and what the tool said; no name if nobody did.

    Raises:
        Refused: the list of signers cannot be read, or the tool is missing.
    """
    if not allowed.is_file():
        raise Refused(f"there is no list of signers {allowed}", "one line each: kim@example.org ssh-ed25519 AAAA…")
    found = _keygen("find-principals", "-s", str(signature), "-f", str(allowed))
    for name in found.stdout.decode("utf-8", "replace").split():
        checked = _keygen(
            "verify", "-f", str(allowed), "-I", name, "-n", NAMESPACE, "-s", str(signature), stdin=file.read_bytes()
        )
        if checked.returncode == 0:
            return name, _said(checked)
        found = checked
    return None, _said(found)


def _keygen(action: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    tool = shutil.which("ssh-keygen")
    if tool is None:
        raise Refused(
            "ssh-keygen is not installed here", "it comes with OpenSSH; seal without --sign, or verify with --head"
        )
    try:
        return subprocess.run(
            [tool, "-Y", action, *arguments], input=stdin, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"ssh-keygen gave no answer for {_TIMEOUT_S} s") from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    text = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    return text.splitlines()[-1] if text else f"exit {done.returncode}"
