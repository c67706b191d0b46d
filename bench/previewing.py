"""From a save to the browser: how long an editor waits."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

SAVES = 15


def measure(folder: Path, issue: str) -> float | None:
    """Seconds from a save of the note until a real browser shows it; None without a browser."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for path in map(shutil.which, names) if path), None)
    if program is None:
        return None
    command = ("-m", "newsletter.cli", "-C", str(folder), "preview", issue, "--no-open")
    preview = subprocess.Popen(
        [sys.executable, *command, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert preview.stdout
        found = re.search(r"http\S+", preview.stdout.readline())
        assert found
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(found.group())
            page.get_by_text("Follows every save by itself").wait_for()
            mail = page.frame_locator("iframe.mail")
            note = folder / "issues" / issue / "note.md"
            times = []
            for number in range(SAVES):
                words = f"Save number {number}."
                start = time.perf_counter()
                note.write_text(f"{words}\n", encoding="utf-8")
                mail.get_by_text(words).wait_for(state="visible")
                times.append(time.perf_counter() - start)
                time.sleep(0.3)
            browser.close()
        return statistics.median(times)
    finally:
        preview.terminate()
        preview.wait(timeout=10)
