// A photo with heat maps over it, one panel a network. Streamlit runs this at every change of the data or the theme:
// every run sets up the same things again. Nothing is sent but what `settle` and a step send.

const views = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".viewer")
  if (!root || !data) return
  const view = views.get(parentElement) ?? { root, run: 0, pointed: 0, pointers: new Map(), pending: null }
  views.set(parentElement, view)
  view.trigger = setTriggerValue
  const run = ++view.run
  show(view, data, () => run === view.run)
  return () => {
    view.run++
    clearTimeout(view.telling)
  }
}

async function show(view, data, current) {
  // Decode first: what is on the screen stays until its successor is ready.
  const known = view.data?.version === data.version
  const side = sideOf(data.panels)
  const photo = known ? view.photo : await photoOf(data.photo, side)
  if (!current()) return
  view.data = data
  receive(view, data.view)
  if (!known) {
    Object.assign(view, { photo, side })
    const tables = Object.entries(data.colours).map(([kind, table]) => [kind, numbers(table, Uint8Array)])
    view.colours = Object.fromEntries(tables)
    view.partMap = data.part_map ? numbers(data.part_map, Uint8Array) : null
    view.maps = data.panels.map((panel) => numbers(panel.values, Int16Array))
    for (const kept of ["values", "tables", "paths"]) view[kept] = new Map()
    // Canvases that are drawn from, each with a note of what is on it.
    view.layers = data.panels.map(() => ({ canvas: blank(side), shows: "" }))
    for (const kept of ["plain", "faded", "ink"]) view[kept] = { canvas: blank(side), shows: "" }
    view.said = view.scale = ""
    layOut(view, view.root.querySelector(".panels"))
  }
  control(view)
  listen(view, view.root.querySelector(".panels"))
  draw(view) // at once: a canvas that is new or of a new size is blank
}

// ---- the controls above the panels

function control(view) {
  const { root, data } = view
  const all = (selector) => root.querySelectorAll(selector)
  const parts = root.querySelector("[name=part]")
  if (parts.dataset.version !== data.version) {
    parts.replaceChildren(...["none", ...data.parts].map((part, i) => new Option(part, i)))
    parts.dataset.version = data.version
    parts.parentElement.hidden = !data.parts.length
  }
  for (const radio of all("[name=mode]")) {
    radio.parentElement.hidden = !possible(data, radio.value)
    radio.onchange = () => choose({ mode: radio.value })
  }
  for (const name of ["opacity", "threshold", "split"]) {
    const slider = root.querySelector(`[name=${name}]`)
    slider.oninput = () => change(view, { ...view.choice, [name]: Number(slider.value) })
    slider.onchange = () => settle(view)
  }
  root.querySelector("[name=beside]").onchange = (event) => choose({ beside: event.target.value })
  root.querySelector("[name=own]").onchange = (event) => choose({ own: Number(event.target.checked) })
  parts.onchange = () => choose({ part: Number(parts.value) })
  const factors = { in: 1.5, out: 1 / 1.5, reset: 0 }
  for (const button of all(".zoom button")) button.onclick = () => choose(zoomed(view.choice, factors[button.value]))
  root.querySelector(".steps").hidden = !data.steps
  for (const button of all(".steps button")) button.onclick = () => view.trigger("step", Number(button.value))
  const images = data.steps ? ", ← and → change the image" : ""
  root.querySelector(".keys").textContent =
    "Over the panels: Ctrl and the wheel, a pinch or a double click zooms; drag to move; click on a part to keep it. " +
    `With the keyboard: + and − zoom, 0 resets, Shift with arrows moves, Esc lets go of a part${images}.`

  function choose(chosen) {
    change(view, { ...view.choice, ...chosen })
    settle(view)
  }
}

function reflect(view, mode) {
  const { root, choice } = view
  const control = (name) => root.querySelector(`[name=${name}]`)
  for (const radio of root.querySelectorAll("[name=mode]")) radio.checked = radio.value === mode
  for (const name of ["opacity", "threshold", "split", "beside", "part"]) {
    if (control(name).value !== String(choice[name])) control(name).value = choice[name]
  }
  control("own").checked = Boolean(choice.own)
  for (const name of ["opacity", "threshold"]) write(control(name).nextElementSibling, `${Math.round(choice[name])} %`)
  const reset = root.querySelector("[value=reset]")
  write(reset, `${Math.round(100 * choice.zoom)} %`)
  reset.ariaLabel = `${reset.textContent}, back to the whole picture`
  root.querySelector("[value=out]").disabled = choice.zoom === 1
  root.querySelector(".bar.swipe").hidden = mode !== "swipe"
  const panels = root.querySelector(".panels")
  panels.dataset.drag = mode === "swipe" ? "split" : choice.zoom > 1 ? "pan" : "none"
  for (const name of ["mode", "opacity", "threshold", "own", "zoom", "x", "y", "split"]) {
    root.dataset[name] = String(name === "mode" ? mode : choice[name])
  }
}

function possible(data, mode) {
  if (mode === "signed") return data.signed
  if (mode === "difference" || mode === "contours") return data.panels.length > 1
  return true
}

// What was chosen is kept where it cannot be shown, for the next image where it can.
function modeOf(view) {
  return possible(view.data, view.choice.mode) ? view.choice.mode : "heat"
}

function kindOf(mode) {
  return mode === "signed" || mode === "difference" ? mode : "heat"
}

// ---- drawing, once a frame at most

function invalidate(view) {
  view.frame ??= requestAnimationFrame(() => {
    view.frame = null
    draw(view)
  })
}

function draw(view) {
  const { choice, data, photo, side } = view
  const mode = modeOf(view)
  const { x, y, zoom } = choice
  const where = `${x} ${y} ${zoom}`
  const part = [view.pointed, choice.part].find((each) => each && each <= data.parts.length) ?? 0
  const opacity = choice.opacity / 100

  const seen = (context, source) => {
    const whole = source.width
    context.drawImage(source, x * whole, y * whole, whole / zoom, whole / zoom, 0, 0, side, side)
  }
  const plain = once(view.plain, where, (context) => seen(context, photo.colour))
  const faded = once(view.faded, `${where} ${opacity}`, (context) => {
    seen(context, photo.colour)
    context.globalAlpha = opacity * data.fade
    seen(context, photo.grey)
    context.globalAlpha = 1
  })
  const lined = mode === "contours"
  const ink = once(view.ink, `${where} ${lined} ${part}`, (context) => {
    context.clearRect(0, 0, side, side)
    if (lined) trace(context, contourPath(view), "#5ef0ff", choice)
    if (part && view.partMap) trace(context, partPath(view, part), "#fff", choice)
  })
  const layers = view.layers.map((layer, i) => {
    // The teacher stays as it is: its difference from itself is nothing.
    const kind = i === 0 && mode === "difference" ? "heat" : kindOf(mode)
    const shows = `${kind} ${choice.own} ${choice.threshold} ${where}`
    const colours = tableOf(view, kind)
    return once(layer, shows, () => paint(layer.canvas, valuesOf(view, i, kind), data.width, choice, colours))
  })

  const inked = lined || part
  const split = Math.round(choice.split * side)
  view.figures.forEach((figure, i) => {
    const context = figure.querySelector("canvas").getContext("2d")
    const compose = (layer, width) => {
      context.drawImage(faded, 0, 0, width, side, 0, 0, width, side)
      context.globalAlpha = opacity
      context.drawImage(layer, 0, 0, width, side, 0, 0, width, side)
      context.globalAlpha = 1
    }
    compose(layers[i], side)
    const swiped = mode === "swipe" && (choice.beside === "photo" || i > 0)
    if (swiped && split > 0) {
      if (choice.beside === "photo") context.drawImage(plain, 0, 0, split, side, 0, 0, split, side)
      else compose(layers[0], split)
    }
    if (inked) context.drawImage(ink, 0, 0)
    if (swiped) line(context, split)
  })
  if (data.photo) {
    const context = view.root.querySelector(".photo canvas").getContext("2d")
    context.drawImage(plain, 0, 0)
    if (inked) context.drawImage(ink, 0, 0)
  }
  reflect(view, mode)
  namePart(view, part)
  const words = `${mode} ${choice.own} ${choice.beside}`
  if (view.said !== words) describe(view, mode)
  view.said = words
  const scale = `${mode} ${choice.threshold}`
  if (view.scale !== scale) legend(view, mode)
  view.scale = scale
  view.root.dataset.version = data.version
  view.root.dataset.draws = String(Number(view.root.dataset.draws ?? 0) + 1)
}

// Draws on a canvas unless it shows this already.
function once(layer, shows, make) {
  if (layer.shows !== shows) make(layer.canvas.getContext("2d"))
  layer.shows = shows
  return layer.canvas
}

function line(context, at) {
  const side = context.canvas.width
  context.fillStyle = "#000"
  context.fillRect(at - 3, 0, 6, side)
  context.fillStyle = "#fff"
  context.fillRect(at - 1.5, 0, 3, side)
  context.beginPath()
  context.arc(at, side / 2, 12, 0, 2 * Math.PI)
  context.fill()
  context.lineWidth = 2
  context.strokeStyle = "#000"
  context.stroke()
  context.fillStyle = "#000"
  context.font = "bold 16px sans-serif"
  context.textAlign = "center"
  context.textBaseline = "middle"
  context.fillText("↔", at, side / 2 + 1)
}
