"""Find a browser and its driver; without them the step becomes "attach files by hand", in one line."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

from store.errors import Refused

BY_HAND = "or take the pictures yourself: closeout attach CASE FILE…"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class BrowserMissing(Refused):
    """There is nothing here to look with."""


def require_driver() -> None:
    """Make sure that the driver's package is installed; does not import it.

    Raises:
        BrowserMissing: it is not.
    """
    if importlib.util.find_spec("playwright") is None:
        raise BrowserMissing("the browser driver is not installed", f"pip install 'closeout[browser]', {BY_HAND}")


def find_browser(environ: Mapping[str, str], own: str = "") -> Path:
    """A browser's program: the one named by `CLOSEOUT_CHROMIUM`, the driver's own, or the system's.

    Raises:
        BrowserMissing: there is none, or the one that is named is not there.
    """
    named = environ.get("CLOSEOUT_CHROMIUM", "").strip()
    if named:
        if not Path(named).is_file():
            raise BrowserMissing(f"CLOSEOUT_CHROMIUM is {named}, which is no file", f"unset it, {BY_HAND}")
        return Path(named)
    if own and Path(own).is_file():
        return Path(own)
    for name in _NAMES:
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return Path(found)
    raise BrowserMissing(
        "there is no browser here",
        f"playwright install chromium, apt-get install chromium, or set CLOSEOUT_CHROMIUM; {BY_HAND}",
    )
