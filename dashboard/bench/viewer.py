"""How quick the viewer is in the hands of one visitor: frames and drawings a second, and messages to the server.

Every frame gets one event of a person who drags, points or zooms, as fast as the browser makes frames: 60 a second at
most, as its screen has. Pointing draws only where the part changes.
"""

from dataclasses import dataclass

from dashboard.bench.browsers import chromium, settle, visit
from dashboard.bench.server import Server

SECONDS = 4
ACTIONS = ("opacity", "threshold", "hover", "swipe", "pan", "zoom")
LEAST_FRAMES = 50
"""A second, whatever is done."""
SETTLED = 1000
"""Milliseconds after which whatever follows on a drag has been sent: the address tells the view 0.4 s after it."""
ROOT = """
  const host = [...document.querySelectorAll("*")].find((each) => each.shadowRoot?.querySelector(".viewer"))
  const root = host.shadowRoot.querySelector(".viewer")
  const find = (selector) => root.querySelector(selector)
"""
PREPARE = f"""(action) => {{{ROOT}
  find(`[name=mode][value=${{action === "swipe" ? "swipe" : "heat"}}]`).click()
  find("[value=reset]").click()
  for (const [name, value] of [["opacity", 75], ["threshold", 0]]) {{
    find(`[name=${{name}}]`).value = value
    find(`[name=${{name}}]`).dispatchEvent(new Event("input"))
  }}
  if (action === "pan") find("[value=in]").click()
}}"""
# Counts what the viewer has drawn, not what was asked for.
DRIVE = """async ([action, seconds]) => {ROOT
  const canvas = root.querySelectorAll("figure canvas")[1]
  const frame = () => new Promise(requestAnimationFrame)
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
  if (action === "opacity" || action === "threshold") find(`[name=${action}]`).dispatchEvent(new Event("change"))
  return [frames / spent, (Number(root.dataset.draws) - before) / spent, root.querySelectorAll("figure").length]
}""".replace("ROOT", ROOT)


@dataclass(frozen=True)
class Act:
    """One thing that was done to the viewer for some seconds."""

    name: str
    """One of `ACTIONS`."""
    panels: int
    """Maps that moved as one."""
    frames: float
    """A second, of the page."""
    drawings: float
    """A second, of the viewer."""
    messages: int
    """To the server, in all that time and once it is over."""


async def acts(server: Server, seconds: float = SECONDS, settled: int = SETTLED) -> list[Act]:
    """Do everything in turn that a person does with the viewer, on the first page of explanations.

    Parameters
    ----------
    server : Server
    seconds : float
        Each is done for so long.
    settled : int
        Milliseconds that are waited before and after, for messages that nobody should send.

    Raises
    ------
    UserError
        There is no Chromium.
    """
    found = []
    sent: list[int] = []
    async with chromium() as browser:
        page = await visit(browser, server.address)
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(1)))
        await page.goto(f"{server.address}/explanations")
        await settle(page)
        await page.wait_for_selector("[data-test=viewer][data-draws]")
        for name in ACTIONS:
            await page.evaluate(PREPARE, name)
            await page.wait_for_timeout(settled)
            before = len(sent)
            frames, drawings, panels = await page.evaluate(DRIVE, [name, seconds])
            await page.wait_for_timeout(settled)
            found.append(Act(name, int(panels), frames, drawings, len(sent) - before))
    return found
