"""A real browser, driven over its own protocol: Chromium without a window."""

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.place import wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page of a browser; `errors` are what its console said of scripts, styles and pictures that were refused."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._numbers = connection, itertools.count(1)
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have it do something; what it answers."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._connection.recv(timeout=30))
            if said.get("method") == "Log.entryAdded":
                self.errors.append(said["params"]["entry"]["text"])
            if said.get("method") in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
                self.errors.append(json.dumps(said["params"]))
            if said.get("id") == number:
                return dict(said.get("result", said))

    def ask(self, script: str) -> Any:
        """The value of a script on the page."""
        return self.tell("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def go(self, address: str) -> None:
        """Open an address and wait until it is there."""
        self.tell("Page.navigate", url=address)
        self.wait_for(address)

    def wait_for(self, ending: str) -> None:
        """Wait until an address that ends so is there, with its scripts run."""
        wait_until(
            lambda: self.ask("document.readyState === 'complete' && location.href").__str__().endswith(ending), 20
        )

    def press(self, key: str) -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.tell("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.tell("Input.dispatchKeyEvent", type="keyUp", key=key)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no browser: Chromium is not installed")
    process = subprocess.Popen(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = wait_until(lambda: (file := folder / "DevToolsActivePort").exists() and file.read_text().split()[0], 30)
        pages = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
        address = next(each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page")
        with connect(address, max_size=None) as connection:
            yield Browser(connection)
    finally:
        process.terminate()
        process.wait(20)
        time.sleep(0.2)  # its children still write into the folder
