#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of fwctld in a real browser (headless Chromium by chromedriver), in the network namespace of a host with a policy and packets: browser.py

FWCTL: the program (build/fwctl). FWCTL_SHOTS: a folder for pictures. Last line: N passed, N failed."""
import base64
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from place import Failed, Place, need  # noqa: I001 - it says where packets are
from packets import tcp, udp

PAGE = "http://127.0.0.1:9380/"
PORT = 9515
EVIL = "<img src=x onerror=document.title='owned'>"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-default-apps", "--window-size=1200,1000"]


class Browser:
    """As much of WebDriver (W3C) as the tests need."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="fwchrome-")
        self.driver = subprocess.Popen(["chromedriver", f"--port={PORT}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                self.call("GET", "/status")
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        options = {"args": [*FLAGS, f"--user-data-dir={self.folder}"]}
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = "/session/" + made["sessionId"]

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        connection.request(method, path, body=None if body is None else json.dumps(body), headers={"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if isinstance(answer["value"], dict) and "error" in answer["value"]:
            raise Failed(f"{path}: {answer['value']['error']}: {answer['value']['message'][:300]}")
        return answer["value"]

    def do(self, path, **body):
        return self.call("POST", self.session + path, body)

    def js(self, script, *args):
        return self.do("/execute/sync", script=script, args=list(args))

    def cdp(self, command, **params):
        return self.do("/goog/cdp/execute", cmd=command, params=params)

    def find(self, css):
        return next(iter(self.do("/element", using="css selector", value=css).values()))

    def click(self, css):
        self.do(f"/element/{self.find(css)}/click")

    def keys(self, text):
        self.do("/actions", actions=[{"type": "key", "id": "k", "actions": [a for c in text for a in ({"type": "keyDown", "value": c}, {"type": "keyUp", "value": c})]}])

    def log(self, kind):
        return self.do("/se/log", type=kind)

    def shot(self, name):
        if os.environ.get("FWCTL_SHOTS"):
            with open(os.path.join(os.environ["FWCTL_SHOTS"], name + ".png"), "wb") as out:
                out.write(base64.b64decode(self.call("GET", self.session + "/screenshot")))

    def close(self):
        with contextlib.suppress(OSError, Failed):
            self.call("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


ROWS = "return [...document.querySelectorAll('#lines tbody tr')].map(r => [...r.cells].map(c => c.textContent))"


def rows(b):
    return b.js(ROWS)


def packets_of(b, word):
    found = [row for row in rows(b) if word in row[5]]
    return int(found[0][1].replace(",", "")) if found else None


def test_shown(p, b):
    need(b.js("return document.title") == "fwctl: hits of this host's firewall", b.js("return document.title"))
    p.until(lambda: packets_of(b, "deny 23/tcp") == 30, lambda: rows(b))
    head = b.js("return document.querySelector('header').textContent")
    need("in sync" in head and "policy.conf" in head, head)
    need("192.0.2.60" in b.js("return document.querySelector('#sources').textContent"), "no sources")
    need("192.0.2.60" in b.js("return document.querySelector('#drops').textContent"), "no drops")
    need(b.js("return document.querySelectorAll('#chart rect').length") >= 1, "no chart")
    b.shot("light")


def test_live(p, b):
    """A number changes without a reload."""
    b.js("window.stays = 1")
    p.flood([tcp(23, src="192.0.2.60")], 12)
    p.until(lambda: packets_of(b, "deny 23/tcp") == 42, lambda: rows(b))
    need(b.js("return window.stays") == 1, "it was loaded anew")
    p.until(lambda: b.js("return document.querySelectorAll('.spark rect').length") > 0, "a sparkline")


def test_sort(p, b):
    b.click("[data-sort=packets]")
    numbers = [int(row[1].replace(",", "")) for row in rows(b)]
    need(numbers == sorted(numbers, reverse=True) and b.js("return document.querySelector('[data-sort=packets]').parentElement.getAttribute('aria-sort')") == "descending", numbers)
    b.js("document.querySelector('[data-sort=place]').focus()")
    b.keys("\ue007")  # Enter
    places = [row[4] for row in rows(b) if row[4].startswith("policy.conf")]
    need(places == sorted(places, key=lambda text: int(text.split(":")[1])), places)


def test_choose(p, b):
    """A line narrows the past, and back."""
    b.click("#lines tbody tr td button[data-id^='rule/']")
    p.until(lambda: "policy.conf" in b.js("return document.querySelector('#chosen-text').textContent"), "the choice")
    need(b.js("return document.querySelectorAll('tr.chosen').length") == 1, "no row is marked")
    b.shot("chosen")
    b.click("#all")
    need(b.js("return document.querySelector('#chosen-text').textContent") == "all lines", "not back")


def test_range(p, b):
    b.click("input[value='3600']")
    p.until(lambda: "by minute" in b.js("return document.querySelector('#chart-text').textContent"), lambda: b.js("return document.querySelector('#chart-text').textContent"))
    b.click("details summary")
    need(len(b.js("return [...document.querySelectorAll('#chart-table tbody tr')].map(r => r.textContent)")) >= 1, "no table of the chart")


def test_filter(p, b):
    b.click("#filter")
    b.keys("udp")
    need([row[5] for row in rows(b)] and all("udp" in row[5] for row in rows(b)), rows(b))
    b.js("const f = document.querySelector('#filter'); f.value = ''; f.dispatchEvent(new Event('input'))")


def test_hostile(p, b):
    """Texts of the policy and of packets are texts."""
    p.until(lambda: any(EVIL in row[5] for row in rows(b)), lambda: rows(b))
    need(b.js("return document.querySelectorAll('main img').length") == 0 and b.js("return document.title") != "owned", "it became markup")


def test_keyboard(p, b):
    """Tab goes through everything that can be pressed, first to the skip link, and what has the focus is seen."""
    b.js("document.activeElement.blur(); window.scrollTo(0, 0)")
    b.cdp("Page.bringToFront")
    b.js("document.body.setAttribute('tabindex', '-1'); document.body.focus(); document.body.removeAttribute('tabindex')")
    names = []
    for _ in range(12):
        b.keys("\ue004")  # Tab
        names.append(b.js("const a = document.activeElement; return a.className === 'skip' ? 'skip' : a.name || a.id || a.dataset.sort || a.tagName"))
    need(names[0] == "skip" and "since" in names and "filter" in names and "rate" in names, names)
    need(b.js("return getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus is not seen")


def test_spoken(p, b):
    """What a screen reader needs: landmarks, headings, names of tables, columns and fields."""
    need(b.js("return ['header', 'main', 'footer'].every(n => document.querySelector(n)) && document.documentElement.lang === 'en'"), "landmarks")
    need(b.js("return [...document.querySelectorAll('table')].every(t => t.caption && [...t.querySelectorAll('th')].every(h => h.scope === 'col'))"), "tables")
    tree = b.cdp("Accessibility.getFullAXTree")["nodes"]
    nameless = [n["role"]["value"] for n in tree if not n.get("ignored") and n.get("role", {}).get("value") in ("button", "radio", "searchbox", "textbox", "link", "image", "img")
                and not n.get("name", {}).get("value")]
    need(not nameless, nameless)


def luminance(colour):
    parts = [int(v) / 255 for v in colour[colour.index("(") + 1:-1].split(",")[:3]]
    parts = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_colours(p, b):
    """Light and dark, with contrast enough to read (WCAG 2: 4.5)."""
    backs = []
    for scheme in ("light", "dark"):
        b.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.5)
        found = b.js("""const paper = getComputedStyle(document.querySelector('section')).backgroundColor;
            return [paper, ...['body', '.quiet', 'caption', '.good', '.bad', 'td button', 'h2'].map(s => document.querySelector(s)).filter(e => e).map(e => getComputedStyle(e).color)]""")
        back = luminance(found[0])
        backs.append(back)
        for colour in found[1:]:
            ratio = (max(back, luminance(colour)) + 0.05) / (min(back, luminance(colour)) + 0.05)
            need(ratio >= 4.5, scheme, colour, found[0], ratio)
        b.shot("colours-" + scheme)
    need(backs[0] > 0.5 > backs[1], backs)


def test_narrow(p, b):
    b.cdp("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=False)
    need(b.js("return document.documentElement.scrollWidth <= window.innerWidth"), b.js("return document.documentElement.scrollWidth"))
    b.shot("narrow")
    b.cdp("Emulation.clearDeviceMetricsOverride")


def test_quiet(p, b):
    """Nothing went elsewhere, nothing broke the policy of contents, nothing was complained of."""
    asked = set()
    for entry in b.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
    asked = {url for url in asked if not url.startswith("chrome")}  # the browser's own first page
    need(asked and all(url.startswith((PAGE, "data:")) for url in asked), asked)
    complaints = [entry["message"] for entry in b.log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    need(not complaints, complaints)  # test_lost, whose complaints are due, comes later


def test_lost(p, b):
    """fwctld ends: the page says so; it returns: the page goes on."""
    p.stop()
    p.until(lambda: "lost" in b.js("return document.querySelector('#updated').textContent"), "the loss to be told")
    p.start()
    p.until(lambda: "live" in b.js("return document.querySelector('#updated').textContent"), "the page to go on")


def run_all(place):
    passed = failed = 0
    browser = Browser()
    try:
        browser.do("/url", url=PAGE)
        for name, test in list(globals().items()):
            if not name.startswith("test_"):
                continue
            try:
                test(place, browser)
                passed += 1
                print(f"ok      {name[5:]}", flush=True)
            except Exception:  # noqa: BLE001 - a test may fail in any way
                failed += 1
                traceback.print_exc()
                print(f"FAILED  {name[5:]}", flush=True)
    finally:
        browser.close()
    return passed, failed


def main():
    place = Place()
    try:
        place.config = "listen 127.0.0.1:9380\n"
        with place.net.inside("host"):
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        place.net.apply(f'default in deny\ndeny 23/tcp log rate 1000/second label "no telnet"\ndeny 53/udp log "{EVIL}"\nallow 80/tcp\nallow 443/tcp\n')
        place.start()
        place.flood([tcp(23, src="192.0.2.60")], 30)
        place.flood([udp(53, src="192.0.2.61"), udp(54, family=6)], 8)
        place.until(lambda: place.daemon()["events"] >= 34, "the events")
        with place.net.inside("host"):
            passed, failed = run_all(place)
    finally:
        place.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
