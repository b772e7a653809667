// Pointing, dragging, pinching, the wheel and keys over the panels, which all move as one.

const NEAR = 18 // pixels from the line of a swipe within which it is grabbed
const STILL = 4 // pixels that a finger may slip in a tap
const REPEAT = 200 // milliseconds at least from one image to the next while a key is held down

function listen(view, holder) {
  holder.onpointerdown = (event) => press(view, event)
  holder.onpointermove = (event) => move(view, event)
  holder.onpointerup = (event) => release(view, event)
  holder.onpointercancel = holder.onlostpointercapture = (event) => release(view, event, true)
  holder.onpointerleave = () => point(view, 0)
  holder.onwheel = (event) => {
    const at = placeOf(event)
    // Without Ctrl the wheel turns the page, which it would never leave where panels fill it; a pinch comes with it.
    if (!at || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    change(view, zoomed(view.choice, Math.exp(-event.deltaY / 300), at.across, at.down))
    settle(view)
  }
  holder.ondblclick = (event) => {
    const at = placeOf(event)
    if (!at || modeOf(view) === "swipe") return
    change(view, zoomed(view.choice, 2, at.across, at.down))
    settle(view)
  }
  holder.onkeydown = (event) => key(view, event)
}

// Where on a panel an event is, as shares of its sides, and how many pixels these are.
function placeOf(event) {
  const box = event.target.closest("canvas")?.getBoundingClientRect()
  if (!box) return null
  return {
    across: (event.clientX - box.left) / box.width,
    down: (event.clientY - box.top) / box.height,
    pixels: box.width,
  }
}

function press(view, event) {
  const at = placeOf(event)
  if (!at || event.button) return
  event.target.setPointerCapture(event.pointerId)
  view.pointers.set(event.pointerId, { canvas: event.target, x: event.clientX, y: event.clientY })
  if (view.pointers.size === 2) view.drag = { kind: "pinch" }
  if (view.pointers.size > 1) return
  const { zoom, split } = view.choice
  const line = Math.abs(at.across - split) * at.pixels < NEAR
  const kind = modeOf(view) === "swipe" && (zoom === 1 || line) ? "split" : zoom > 1 ? "pan" : "point"
  view.drag = { kind, x: event.clientX, y: event.clientY, still: true }
  if (kind === "split") change(view, { ...view.choice, split: limited("split", at.across) })
  else if (event.pointerType !== "mouse") point(view, partAt(view, at), at)
}

function move(view, event) {
  const at = placeOf(event)
  const before = view.pointers.get(event.pointerId)
  if (!at) return point(view, 0)
  if (!before) return point(view, partAt(view, at), at)
  if (view.drag.still && Math.hypot(event.clientX - view.drag.x, event.clientY - view.drag.y) < STILL) return
  view.drag.still = false
  const now = { ...before, x: event.clientX, y: event.clientY }
  const { choice } = view
  if (view.drag.kind === "split") change(view, { ...choice, split: limited("split", at.across) })
  if (view.drag.kind === "point") point(view, partAt(view, at), at)
  if (view.drag.kind === "pan") {
    const step = 1 / at.pixels / choice.zoom
    change(view, moved(choice, { x: choice.x - (now.x - before.x) * step, y: choice.y - (now.y - before.y) * step }))
  }
  if (view.drag.kind === "pinch") {
    const other = [...view.pointers].find(([id]) => id !== event.pointerId)[1]
    const apart = (one) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y))
    change(view, zoomed(choice, apart(now) / apart(before), at.across, at.down))
  }
  view.pointers.set(event.pointerId, now)
}

function release(view, event, cancelled = false) {
  if (!view.pointers.delete(event.pointerId)) return
  const { kind, still } = view.drag
  const at = placeOf(event)
  if (still && !cancelled && at && kind !== "split") {
    const part = partAt(view, at)
    change(view, { ...view.choice, part: part === view.choice.part ? 0 : part })
  }
  if (view.pointers.size) view.drag = { kind: "none" } // the finger that is left of a pinch
  else settle(view)
}

// A finger on a picture that is gone is not heard of again.
function forget(view) {
  for (const [id, { canvas }] of view.pointers) {
    if (canvas.isConnected) continue
    view.pointers.delete(id)
    view.drag = { kind: "none" }
  }
}

// The server keeps only the newest of several messages that wait: each tells of all steps so far.
function step(view, way) {
  view.steps += way
  view.trigger("step", [view.name, view.steps])
}

// Where nothing has the focus, the arrows go from image to image as they do over the panels.
function keyAnywhere(view, event) {
  const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight"
  if (event.target === document.body && sideways && !event.shiftKey && view.data) key(view, event)
}

function key(view, event) {
  const { choice } = view
  const far = 0.1 / choice.zoom
  const shifts = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }
  const shift = shifts[event.key]
  let next = null
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === "+" || event.key === "=") next = zoomed(choice, 1.5)
  if (event.key === "-") next = zoomed(choice, 1 / 1.5)
  if (event.key === "0") next = zoomed(choice, 0)
  if (event.key === "Escape") next = { ...choice, part: 0 }
  if (shift && event.shiftKey) next = moved(choice, { x: choice.x + shift[0], y: choice.y + shift[1] })
  const sideways = shift && shift[0] && !event.shiftKey
  if (!next && !(sideways && view.data.steps)) return
  event.preventDefault()
  if (sideways) {
    if (event.repeat && event.timeStamp - view.stepped < REPEAT) return
    view.stepped = event.timeStamp
    return step(view, Math.sign(shift[0]))
  }
  change(view, next)
  settle(view)
}

function partAt(view, { across, down }) {
  if (!view.partMap || across < 0 || across >= 1 || down < 0 || down >= 1) return 0
  const { x, y, zoom } = view.choice
  const width = view.data.part_width
  const height = view.partMap.length / width
  const row = Math.min(height - 1, Math.floor((y + down / zoom) * height))
  return view.partMap[row * width + Math.min(width - 1, Math.floor((x + across / zoom) * width))]
}

function point(view, part, at = null) {
  if (part === view.pointed) return
  view.pointed = part
  view.low = part !== 0 && at.down > 0.6
  invalidate(view)
}
