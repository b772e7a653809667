// The panels and what stands beside the maps. Text is only set as text: names of classes and files may hold anything.

const SHOWS = {
  heat: (panel) => `Where ${panel} looks`,
  signed: (panel) => `What in ${panel} speaks for and against the answer`,
  difference: (panel) => `Where ${panel} looks harder than the teacher, and where less hard`,
  contours: (panel) => `Where ${panel} looks, and lines around where the teacher looks hardest`,
  swipe: (panel, beside) => `Where ${panel} looks, right of a line; left of it ${beside}`,
}
const LEGENDS = {
  heat: ["nothing", "most"],
  signed: ["against", "for"],
  difference: ["teacher more", "student more"],
}

function layOut(view, holder) {
  const { panels, photo } = view.data
  holder.style.setProperty("--count", panels.length + (photo ? 1 : 0))
  if (!holder.querySelector(".photo")) holder.append(emptyPanel("div", "photo"))
  const first = holder.querySelector(".photo")
  first.hidden = !photo
  first.querySelector(".title").textContent = "The photo"
  first.querySelector("canvas").setAttribute("aria-label", "The photo")
  while (holder.children.length > panels.length + 1) holder.lastElementChild.remove()
  while (holder.children.length < panels.length + 1) holder.append(emptyPanel("figure", "panel"))
  for (const canvas of holder.querySelectorAll("canvas")) {
    if (canvas.width !== view.side) canvas.width = canvas.height = view.side
  }
  view.figures = [...holder.querySelectorAll("figure")]
  view.figures.forEach((figure, i) => label(figure, panels[i]))
}

function emptyPanel(kind, name) {
  const figure = document.createElement(kind)
  const picture = document.createElement("div")
  const caption = document.createElement(kind === "figure" ? "figcaption" : "div")
  figure.className = name
  picture.className = "picture"
  const canvas = blank(0)
  canvas.setAttribute("role", "img")
  picture.append(canvas, lineOf("own"), lineOf(kind === "figure" ? "rank" : "part"))
  caption.append(lineOf("title"))
  if (kind === "figure") caption.append(...["kind", "verdict", "agreement"].map((each) => lineOf(each)), badge())
  figure.append(picture, caption)
  return figure
}

function lineOf(name, kind = "div") {
  const line = document.createElement(kind)
  line.className = name
  return line
}

function badge() {
  const details = lineOf("trust", "details")
  details.append(document.createElement("summary"), lineOf("why"))
  return details
}

function label(figure, panel) {
  const line = (name) => figure.querySelector(`.${name}`)
  figure.classList.toggle("teacher", panel.teacher)
  figure.dataset.cell = panel.cell
  figure.dataset.signal = String(panel.signal)
  line("title").textContent = panel.title
  line("kind").textContent = panel.kind
  line("agreement").textContent = panel.signal ? panel.agreement : "No signal: this map is the same everywhere."
  const trust = line("trust")
  trust.className = `trust ${panel.trust}`
  trust.hidden = !panel.trusted
  trust.title = panel.why
  trust.querySelector("summary").textContent = panel.trusted
  trust.querySelector(".why").textContent = panel.why
  const verdict = line("verdict")
  verdict.className = `verdict ${panel.verdict}`
  verdict.textContent = `${panel.says} `
  if (panel.verdict) {
    const word = document.createElement("b")
    word.textContent = panel.verdict === "right" ? "✓ right" : "✗ wrong"
    verdict.append(word)
  }
}

// ---- what changes with the choice

function describe(view, mode) {
  const { data, choice, root } = view
  const beside = choice.beside === "photo" ? "the photo" : "the teacher's map"
  view.figures.forEach((figure, i) => {
    const panel = data.panels[i]
    const shown = i === 0 && mode === "difference" ? "heat" : mode
    const times = data.scale && panel.scale ? data.scale / panel.scale : 1
    const own = choice.own ? `own scale, × ${times < 10 ? times.toFixed(1) : Math.round(times)}` : ""
    write(figure.querySelector(".own"), own)
    const said = [
      SHOWS[shown](`${panel.title}, ${panel.kind},`, beside),
      own && `Drawn on its ${own}`,
      `It answers ${panel.says}${panel.verdict && `, ${panel.verdict}`}`,
      panel.signal ? panel.agreement : "The map is the same everywhere",
      hardest(panel, data.parts),
    ]
    figure.querySelector("canvas").setAttribute("aria-label", `${said.filter(Boolean).join(". ")}.`)
  })
  write(root.querySelector(".note"), note(view, mode, beside))
}

function hardest(panel, parts) {
  const placed = parts.map((part, i) => [panel.ranks[i], part]).filter(([place]) => place !== null)
  const first = placed.sort((one, other) => one[0] - other[0]).slice(0, 3)
  return first.length ? `Looked at hardest: ${first.map(([, part]) => part).join(", ")}` : ""
}

function note(view, mode, beside) {
  const { choice, data } = view
  const shares = data.shares.map((share) => `${Math.round(100 * share)} %`).join(" and the ")
  const said = {
    heat: "",
    signed: "Green speaks for the explained answer, purple against it.",
    difference: "Orange: the student looks harder than the teacher; blue: less hard. The teacher's own map stays.",
    contours: `The lines are the teacher's: around the ${shares} of the picture that it looks at hardest.`,
    swipe: `Drag the line: left of it is ${beside}, right of it where each network looks.`,
  }
  const scale = choice.own
    ? "Each map is on its own scale, so brightness cannot be compared between panels."
    : mode === "heat"
      ? "All maps share one scale, so brightness can be compared."
      : ""
  return `${said[mode]} ${scale}`.trim()
}

function legend(view, mode) {
  const kind = kindOf(mode)
  const element = view.root.querySelector(".scale")
  write(element.querySelector(".low"), LEGENDS[kind][0])
  write(element.querySelector(".high"), LEGENDS[kind][1])
  const context = element.querySelector("canvas").getContext("2d")
  const image = context.createImageData(256, 1)
  for (let i = 0; i < 256; i++) {
    const size = kind === "heat" ? i : Math.abs(2 * i - 255)
    const hidden = size < 2.55 * view.choice.threshold
    image.data.set([...view.colours[kind].subarray(3 * i, 3 * i + 3), hidden ? 40 : 255], 4 * i)
  }
  context.putImageData(image, 0, 0)
}

// The part under the pointer, or else the one that was picked: its name and places, on every panel.
function namePart(view, part) {
  const { panels, parts } = view.data
  const called = part ? parts[part - 1] : ""
  const placed = (panel) => {
    const place = panel.ranks[part - 1]
    return place === null ? "no rank" : `rank ${place} of ${panel.visible}`
  }
  const beside = panels.length && part ? panels[0].ranks[part - 1] : null
  write(view.root.querySelector(".photo .part"), called)
  const lines = panels.map((panel, i) => {
    if (!part) return ""
    return `${called}: ${placed(panel)}${i && beside !== null ? ` (teacher ${beside})` : ""}`
  })
  view.figures.forEach((figure, i) => write(figure.querySelector(".rank"), lines[i]))
  const picked = part && part === view.choice.part
  const spoken = panels.map((panel) => `${panel.title}, ${panel.kind}, ${part ? placed(panel) : ""}`)
  write(view.root.querySelector(".status"), picked ? `${called}: ${spoken.join("; ")}.` : "")
  view.root.dataset.part = called
  // Where the finger is not.
  view.root.dataset.names = view.low ? "above" : "below"
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}
