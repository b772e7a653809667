// What a person has chosen to see: held by the browser, drawn without the server, and a short text in an address.

// x, y: the picture's share left of and above what is seen; zoom: how much larger; part: its number, 0 for none.
const USUAL = {
  mode: "heat",
  beside: "photo",
  own: 0,
  opacity: 75,
  threshold: 0,
  split: 0.5,
  zoom: 1,
  x: 0,
  y: 0,
  part: 0,
}
const WORDS = new Map([
  ["mode", ["heat", "signed", "difference", "contours", "swipe"]],
  ["beside", ["photo", "teacher"]],
])
// Lowest, highest, and the whole numbers to one that the text is written in.
const RANGES = new Map([
  ["own", [0, 1, 1]],
  ["opacity", [0, 100, 1]],
  ["threshold", [0, 95, 1]],
  ["split", [0, 1, 10000]],
  ["zoom", [1, 8, 100]],
  ["x", [0, 1, 10000]],
  ["y", [0, 1, 10000]],
  ["part", [0, 255, 1]],
])

function choiceText(choice) {
  const written = (name, value) => (RANGES.has(name) ? String(Math.round(value * RANGES.get(name)[2])) : value)
  return Object.keys(USUAL)
    .filter((name) => written(name, choice[name]) !== written(name, USUAL[name]))
    .map((name) => `${name}.${written(name, choice[name])}`)
    .join("_")
}

// A text out of an address may say anything: what is not understood is passed over.
function choiceOf(text) {
  const choice = { ...USUAL }
  for (const each of text.split("_")) {
    const [name, value] = each.split(".")
    if (WORDS.get(name)?.includes(value)) choice[name] = value
    if (RANGES.has(name) && /^\d{1,5}$/.test(value)) choice[name] = limited(name, value / RANGES.get(name)[2])
  }
  return moved(choice, {})
}

function limited(name, value) {
  const [lowest, highest] = RANGES.get(name)
  return Math.min(highest, Math.max(lowest, value))
}

// Zoomed and shifted so that nothing but the picture is seen.
function moved(choice, change) {
  const next = { ...choice, ...change }
  next.zoom = limited("zoom", next.zoom)
  const furthest = 1 - 1 / next.zoom
  next.x = Math.min(furthest, Math.max(0, next.x))
  next.y = Math.min(furthest, Math.max(0, next.y))
  return next
}

// `across` and `down` are shares of a panel: what is there stays there.
function zoomed(choice, factor, across = 0.5, down = 0.5) {
  const zoom = limited("zoom", choice.zoom * factor)
  const gain = 1 / choice.zoom - 1 / zoom
  return moved(choice, { zoom, x: choice.x + across * gain, y: choice.y + down * gain })
}

// ---- between the browser and the page

// Live: drawn, and told to nobody while it goes on.
function change(view, choice) {
  clearTimeout(view.telling)
  view.choice = choice
  invalidate(view)
}

// Settled: the page is told once, if it asked to be.
function settle(view) {
  clearTimeout(view.telling)
  if (!view.data.tell) return
  view.telling = setTimeout(() => {
    const text = choiceText(view.choice)
    if (text === view.told) return
    view.told = text
    // Until the page has answered with this very text, what it sends is older than what is seen.
    view.pending = text === view.data.view ? null : text
    view.trigger("view", text)
  }, 400)
}

function receive(view, text) {
  if (text === view.pending) view.pending = null
  else if (view.pending === null && text !== view.told) {
    view.told = text
    view.choice = choiceOf(text)
  }
}
