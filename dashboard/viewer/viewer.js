// Draws a photo with heat maps over it, one panel a network, all on one scale. Composes as core/overlay.py does.
// Streamlit runs this at every change of the data or the theme: every run sets up the same things again.

const SIZE = 384 // pixels of a panel's canvas, a side
const instances = new WeakMap()

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".viewer")
  if (!root || !data) return
  const view = instances.get(parentElement) ?? { run: 0, hovered: 0 }
  instances.set(parentElement, view)
  const run = ++view.run
  show(root, view, data, () => run === view.run)
  return () => {
    view.run = -1
  }
}

async function show(root, view, data, current) {
  // Decode first: what is on the screen stays until its successor is ready.
  const photo = await photoOf(data)
  if (!current()) return
  const colours = { heat: bytes(data.colours), difference: bytes(data.difference_colours) }
  const partMap = data.part_map ? enlargeNearest(bytes(data.part_map), data.part_width) : null
  const levels = data.panels.map((panel) => enlarge(bytes(panel.levels), panel.width))
  Object.assign(view, { data, photo, colours, partMap, levels, layers: new Map(), outlines: new Map() })

  const holder = root.querySelector(".panels")
  holder.style.setProperty("--count", data.panels.length)
  while (holder.children.length > data.panels.length) holder.lastElementChild.remove()
  while (holder.children.length < data.panels.length) holder.append(emptyPanel())
  data.panels.forEach((panel, i) => label(holder.children[i], panel))

  const slider = root.querySelector(".opacity input")
  slider.oninput = () => draw(root, view)
  root.querySelectorAll(".modes input").forEach((radio) => (radio.onchange = () => draw(root, view)))
  holder.onpointermove = (event) => hover(root, view, partAt(event, view))
  holder.onpointerdown = holder.onpointermove
  holder.onpointerleave = () => hover(root, view, 0)
  root.dataset.version = data.version
  draw(root, view)
}

function draw(root, view) {
  const opacity = Number(root.querySelector(".opacity input").value) / 100
  const mode = root.querySelector(".modes input:checked").value
  const { data, photo, partMap } = view
  root.querySelector(".opacity output").textContent = `${Math.round(opacity * 100)} %`
  root.querySelectorAll("figure").forEach((figure, i) => {
    // The teacher stays as it is: its difference from itself is nothing.
    const heat = layerOf(view, i, i === 0 ? "heat" : mode)
    const context = figure.querySelector("canvas").getContext("2d")
    context.globalAlpha = 1
    context.drawImage(photo.colour, 0, 0)
    context.globalAlpha = opacity * data.fade
    context.drawImage(photo.grey, 0, 0)
    context.globalAlpha = opacity
    context.drawImage(heat, 0, 0)
    context.globalAlpha = 1
    if (view.hovered && partMap) context.drawImage(outline(view, view.hovered), 0, 0)
  })
  scale(root.querySelector(".scale"), view, mode)
  root.dataset.opacity = String(opacity)
  root.dataset.mode = mode
  root.dataset.draws = String(Number(root.dataset.draws ?? 0) + 1)
}

function scale(element, view, mode) {
  const words = view.data.scale[mode]
  element.querySelector(".low").textContent = words[0]
  element.querySelector(".high").textContent = words[1]
  const context = element.querySelector("canvas").getContext("2d")
  const image = context.createImageData(256, 1)
  for (let i = 0; i < 256; i++) image.data.set([...view.colours[mode].subarray(3 * i, 3 * i + 3), 255], 4 * i)
  context.putImageData(image, 0, 0)
}

// ---- hovering

function partAt(event, view) {
  const box = event.target.closest("canvas")?.getBoundingClientRect()
  if (!box || !view.partMap) return 0
  const at = (position, start, length) =>
    Math.min(SIZE - 1, Math.max(0, Math.floor(((position - start) / length) * SIZE)))
  return view.partMap[at(event.clientY, box.top, box.height) * SIZE + at(event.clientX, box.left, box.width)]
}

function hover(root, view, part) {
  if (part === view.hovered) return
  view.hovered = part
  const { panels, parts } = view.data
  root.dataset.part = part ? parts[part - 1] : ""
  root.querySelectorAll(".rank").forEach((line, i) => {
    line.textContent = part ? `${parts[part - 1]}: ${rank(panels[i].ranks[part - 1], panels[i].visible)}` : ""
  })
  draw(root, view)
}

function rank(place, of) {
  return place === null ? "no rank" : `rank ${place} of ${of}`
}

function outline(view, part) {
  if (!view.outlines.has(part)) {
    const map = view.partMap
    const canvas = blank()
    const context = canvas.getContext("2d")
    const near = (i, reach) =>
      map[i] !== part && [-reach, reach, -reach * SIZE, reach * SIZE].some((step) => map[i + step] === part)
    for (const [colour, reach] of [["#000", 4], ["#fff", 2]]) {
      context.fillStyle = colour
      for (let i = 0; i < map.length; i++) if (near(i, reach)) context.fillRect(i % SIZE, Math.floor(i / SIZE), 1, 1)
    }
    view.outlines.set(part, canvas)
  }
  return view.outlines.get(part)
}

// ---- panels: text is only ever set as text, as names of classes and files may hold anything

function emptyPanel() {
  const figure = document.createElement("figure")
  const canvas = blank()
  canvas.setAttribute("role", "img")
  const caption = document.createElement("figcaption")
  for (const name of ["title", "kind", "verdict", "agreement", "trust", "rank"]) {
    const line = document.createElement("div")
    line.className = name
    caption.append(line)
  }
  figure.append(canvas, caption)
  return figure
}

function label(figure, panel) {
  const line = (name) => figure.querySelector(`.${name}`)
  figure.className = panel.teacher ? "teacher" : ""
  figure.dataset.cell = panel.cell
  figure.dataset.signal = String(panel.signal)
  line("title").textContent = panel.title
  line("kind").textContent = panel.kind
  line("agreement").textContent = panel.signal ? panel.agreement : "No signal: this map is the same everywhere."
  const trust = line("trust")
  trust.className = `trust ${panel.trust}`
  trust.textContent = panel.trusted
  trust.title = panel.why
  const verdict = line("verdict")
  verdict.className = `verdict ${panel.verdict}`
  verdict.textContent = `${panel.says} `
  if (panel.verdict) {
    const word = document.createElement("b")
    word.textContent = panel.verdict === "right" ? "✓ right" : "✗ wrong"
    verdict.append(word)
  }
  figure
    .querySelector("canvas")
    .setAttribute("aria-label", `Where ${panel.title}, ${panel.kind}, looks. ${verdict.textContent}. ${panel.agreement}`)
}

// ---- pixels

function blank() {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = SIZE
  return canvas
}

async function photoOf(data) {
  const colour = blank()
  const grey = blank()
  const context = colour.getContext("2d")
  context.fillStyle = "#777"
  context.fillRect(0, 0, SIZE, SIZE)
  if (data.photo) {
    const image = new Image()
    image.src = data.photo
    await image.decode()
    context.imageSmoothingQuality = "high"
    context.drawImage(image, 0, 0, SIZE, SIZE)
  }
  const pixels = context.getImageData(0, 0, SIZE, SIZE)
  for (let i = 0; i < pixels.data.length; i += 4) {
    const [r, g, b] = pixels.data.subarray(i, i + 3)
    pixels.data.fill(0.299 * r + 0.587 * g + 0.114 * b, i, i + 3)
  }
  grey.getContext("2d").putImageData(pixels, 0, 0)
  return { colour, grey }
}

// One colour and cover a level; a layer is made when it is first drawn.
function layerOf(view, i, mode) {
  const name = `${mode} ${i}`
  if (!view.layers.has(name)) {
    const table = mode === "heat" ? heatTable(view.colours.heat) : differenceTable(view.colours.difference)
    const [own, teacher] = [view.levels[i], view.levels[0]]
    const canvas = blank()
    const context = canvas.getContext("2d")
    const image = context.createImageData(SIZE, SIZE)
    const pixels = new Uint32Array(image.data.buffer)
    if (mode === "heat") for (let j = 0; j < pixels.length; j++) pixels[j] = table[own[j]]
    else for (let j = 0; j < pixels.length; j++) pixels[j] = table[255 + own[j] - teacher[j]]
    context.putImageData(image, 0, 0)
    view.layers.set(name, canvas)
  }
  return view.layers.get(name)
}

function heatTable(colours) {
  return tableOf(256, (level) => [level, level / 255], colours)
}

function differenceTable(colours) {
  return tableOf(511, (i) => [Math.round(i / 2), Math.abs(i - 255) / 255], colours)
}

function tableOf(length, colourAndSize, colours) {
  const table = new Uint8ClampedArray(4 * length)
  for (let i = 0; i < length; i++) {
    const [colour, size] = colourAndSize(i)
    table.set([...colours.subarray(3 * colour, 3 * colour + 3), 255 * Math.min(1, 1.5 * size)], 4 * i)
  }
  return new Uint32Array(table.buffer)
}

// Values are enlarged, never colours: between two colours of the scale lies one that means something else.
function enlarge(values, width) {
  const height = values.length / width
  const across = weights(width)
  const down = weights(height)
  const out = new Uint8ClampedArray(SIZE * SIZE) // rounds
  for (let y = 0; y < SIZE; y++) {
    const [above, below, v] = [down.low[y] * width, down.high[y] * width, down.share[y]]
    for (let x = 0; x < SIZE; x++) {
      const [left, right, u] = [across.low[x], across.high[x], across.share[x]]
      const top = values[above + left] * (1 - u) + values[above + right] * u
      const bottom = values[below + left] * (1 - u) + values[below + right] * u
      out[y * SIZE + x] = top * (1 - v) + bottom * v
    }
  }
  return out
}

function weights(length) {
  const low = new Int32Array(SIZE)
  const high = new Int32Array(SIZE)
  const share = new Float32Array(SIZE)
  for (let i = 0; i < SIZE; i++) {
    const at = Math.min(length - 1, Math.max(0, ((i + 0.5) * length) / SIZE - 0.5))
    low[i] = Math.floor(at)
    high[i] = Math.min(length - 1, low[i] + 1)
    share[i] = at - low[i]
  }
  return { low, high, share }
}

function enlargeNearest(values, width) {
  const height = values.length / width
  const out = new Uint8Array(SIZE * SIZE)
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      out[y * SIZE + x] = values[Math.floor((y * height) / SIZE) * width + Math.floor((x * width) / SIZE)]
    }
  }
  return out
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
