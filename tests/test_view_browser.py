"""`monkeys view` in a real browser: keys lead on, and hostile text stays text."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import browser
from tests.counted import Sampled, sampled_run
from tests.place import Place
from tests.viewing import HOSTILE, ONE, OTHER

pytestmark = pytest.mark.slow


def test_keys_lead_through_samples_in_a_browser_and_hostile_text_runs_nothing(place: Place, tmp_path: Path) -> None:
    many = [ONE, OTHER, Sampled(HOSTILE, text=HOSTILE + "y" * 1_000_000 + HOSTILE)]
    run = sampled_run({"a": many, "b": [ONE]}, name=HOSTILE)
    view = subprocess.Popen([sys.executable, "-m", "cli", "view"], stdout=subprocess.PIPE, text=True)
    place.processes.append(view)
    assert view.stdout is not None
    with view.stdout, browser(tmp_path / "profile") as page:
        address = view.stdout.readline().strip()
        page.tell("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
        page.go(address)
        problem = page.ask("document.querySelector('.problems a').href")
        other = page.ask("document.querySelectorAll('.problems a')[1].href")
        page.go(problem)
        page.go(f"{problem}/sample/0")
        page.press("j")
        page.wait_for("/sample/1")
        page.press("ArrowRight")
        page.wait_for("/sample/2")
        assert page.ask("document.querySelector('pre.answer').textContent.length") < 300_000
        page.press("j")  # there is none behind the last one
        page.press("k")
        page.wait_for("/sample/1")
        page.press("u")
        page.wait_for(problem)
        page.press("n")
        page.wait_for(other)
        page.press("p")
        page.wait_for(problem)
        page.press("/")
        page.press("j")
        assert page.ask("document.activeElement.value") == "j"
        for rest in ("", "/sample/0", "/sample/2?whole=1", "/diff?one=0&two=2"):
            page.go(problem + rest)
            assert page.ask("document.documentElement.scrollWidth") <= 360, rest
            assert page.ask("getComputedStyle(document.querySelector('pre')).whiteSpaceCollapse") == "preserve"
        place.ok("export", str(run), str(tmp_path / "a.html"), "--problem", "a")
        page.go(f"file://{tmp_path / 'a.html'}")
        assert page.ask("document.scripts.length + document.images.length + document.links.length") == 0
        assert page.errors == []
