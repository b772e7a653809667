"""How quick the viewer is, in a real Chromium, on any page that shows it: frames a second, and messages to the server.

    python -m dashboard.bench_viewer http://localhost:8501/explanations

Needs what `make test` installs, and Chromium. Every frame gets one event of a person who drags, points or zooms, as
fast as the browser makes frames: 60 a second at most, as its screen has. Pointing draws only where the part changes.
"""

import shutil
import sys

from playwright.sync_api import Page, sync_playwright

SECONDS = 4
ACTIONS = ("opacity", "threshold", "hover", "swipe", "pan", "zoom")
# Runs in the page. Counts what the viewer has drawn, not what was asked for.
DRIVE = """async ([action, seconds]) => {
  const host = [...document.querySelectorAll("*")].find((each) => each.shadowRoot?.querySelector(".viewer"))
  const root = host.shadowRoot.querySelector(".viewer")
  const canvas = root.querySelectorAll("figure canvas")[1]
  const frame = () => new Promise(requestAnimationFrame)
  const find = (selector) => root.querySelector(selector)
  find(`[name=mode][value=${action === "swipe" ? "swipe" : "heat"}]`).click()
  find("[value=reset]").click()
  if (action === "pan") find("[value=in]").click()
  const pointer = (kind, across, down) => {
    const box = canvas.getBoundingClientRect()
    const at = { clientX: box.left + across * box.width, clientY: box.top + down * box.height }
    canvas.dispatchEvent(new PointerEvent(kind, { ...at, pointerId: 1, bubbles: true, pointerType: "mouse" }))
  }
  canvas.setPointerCapture = () => {}
  if (action === "swipe" || action === "pan") pointer("pointerdown", 0.5, 0.5)
  await frame()
  await frame()
  const before = Number(root.dataset.draws)
  const start = performance.now()
  let frames = 0
  while (performance.now() - start < 1000 * seconds) {
    const turn = (frames++ % 90) / 90
    const wave = 0.5 + 0.45 * Math.sin(2 * Math.PI * turn)
    if (action === "opacity" || action === "threshold") {
      const slider = find(`[name=${action}]`)
      slider.value = 100 * wave
      slider.dispatchEvent(new Event("input"))
    } else if (action === "zoom") {
      const box = canvas.getBoundingClientRect()
      const at = { clientX: box.left + box.width / 3, clientY: box.top + box.height / 3 }
      const wheel = { ...at, deltaY: turn < 0.5 ? -12 : 12, ctrlKey: true, bubbles: true, cancelable: true }
      canvas.dispatchEvent(new WheelEvent("wheel", wheel))
    } else pointer("pointermove", wave, 0.5 + 0.45 * Math.cos(2 * Math.PI * turn))
    await frame()
  }
  const spent = (performance.now() - start) / 1000
  pointer("pointerup", 0.5, 0.5)
  pointer("pointerleave", 0.5, 0.5)
  for (const name of ["opacity", "threshold"]) {
    find(`[name=${name}]`).value = name === "opacity" ? 75 : 0
    find(`[name=${name}]`).dispatchEvent(new Event("input"))
  }
  return [frames / spent, (Number(root.dataset.draws) - before) / spent, root.querySelectorAll("figure").length]
}"""


def measure(page: Page, action: str, sent: list[str]) -> str:
    """Do one thing for `SECONDS`, and return a line of what was counted."""
    before = len(sent)
    frames, draws, panels = page.evaluate(DRIVE, [action, SECONDS])
    return (
        f"{action:10} {panels:.0f} panels, {frames:5.1f} frames and {draws:5.1f} drawings a second, "
        f"{len(sent) - before} messages to the server"
    )


def main(address: str) -> None:
    """Open a page and print a line for each action."""
    with sync_playwright() as playwright:
        flags = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        sent: list[str] = []
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append("")))
        page.goto(address)
        page.wait_for_selector("[data-test=viewer][data-draws]")
        page.wait_for_function("!document.querySelector('[data-stale=true]')")
        page.wait_for_timeout(1000)  # what the page itself still has to say to the server is not counted
        for action in ACTIONS:
            print(measure(page, action, sent), flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
