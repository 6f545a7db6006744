"""Verification beside the pages: begun once per state of a file, in a thread of its own, and told on the pages as far as it has come.

A page never waits for it. Nothing is stored in the case; a file that changed is verified anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from store.errors import BadInput, CloseoutError
from store.seal.receipt import read_head
from store.verify.report import Report
from store.verify.verify import verify_case

_KEPT = 16


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a verification has come: a report, a failure, or neither while it runs. `given` is the head that was compared."""

    given: str
    report: Report | None = None
    failure: str = ""

    @property
    def done(self) -> bool:
        """Whether there is an answer."""
        return self.report is not None or bool(self.failure)


_Key = tuple[Path, int, int, str]
_proofs: OrderedDict[_Key, Proof] = OrderedDict()
_lock = threading.Lock()


def proof_of(path: Path, given: str = "") -> Proof:
    """The verification of the file as it is now; begins it if nobody has.

    Raises:
        BadInput: what was given is no head.
    """
    head = read_head(given) if given else None
    key = _key(path, given)
    with _lock:
        if key in _proofs:
            return _proofs[key]
        _keep(key, Proof(given))

    def verify() -> None:
        try:
            found = Proof(given, verify_case(path, head=head))
        except CloseoutError as error:
            found = Proof(given, failure=str(error))
        except Exception as error:  # a file that others made may break any reader; the page says so
            found = Proof(given, failure=f"{type(error).__name__}: {error}")
        with _lock:
            _keep(key, found)

    threading.Thread(target=verify, name="closeout-verify", daemon=True).start()
    return Proof(given)


def known_proof(path: Path) -> Proof | None:
    """The verification of the file as it is now, if one was begun."""
    with _lock:
        return _proofs.get(_key(path, ""))


def wait_for_proof(path: Path, given: str = "", *, seconds: float) -> Proof:
    """Begin a verification and wait for it; for a command line that has nothing else to do."""
    end = threading.Event()
    waited = 0.0
    while not (proof := proof_of(path, given)).done and waited < seconds:
        end.wait(0.02)
        waited += 0.02
    return proof


def _key(path: Path, given: str) -> _Key:
    try:
        state = path.stat()
    except OSError as error:
        raise BadInput(f"{path} is gone: {error.strerror}") from error
    return (path, state.st_mtime_ns, state.st_size, given.strip())


def _keep(key: _Key, proof: Proof) -> None:
    _proofs[key] = proof
    while len(_proofs) > _KEPT:
        _proofs.popitem(last=False)
