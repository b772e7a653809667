// A row of thumbnails out of one picture; a click tells the server which. One stop for the Tab key: arrows go within.

const WAYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }

export default function ({ data, parentElement, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip")
  if (!strip || !data) return
  const { side, columns, images } = data
  while (strip.children.length > images.length) strip.lastElementChild.remove()
  while (strip.children.length < images.length) strip.append(document.createElement("button"))
  strip.dataset.sorted = images.some(({ value }) => value)
  images.forEach(({ id, place, name, value }, i) => {
    const button = strip.children[i]
    button.type = "button"
    button.title = value ? `${name}: ${value}` : name
    button.setAttribute("aria-label", button.title)
    button.dataset.image = id
    if (data.sheet) {
      button.style.backgroundImage = `url("${data.sheet}")`
      button.style.backgroundPosition = `-${(place % columns) * side}px -${Math.floor(place / columns) * side}px`
      button.textContent = value
    } else {
      button.style.backgroundImage = ""
      button.textContent = value ? `${name} ${value}` : name
    }
    button.onclick = () => {
      press(strip, id)
      setTriggerValue("image", id)
    }
  })
  strip.onkeydown = (event) => walk(strip, event)
  const before = strip.dataset.chosen
  strip.dataset.chosen = data.chosen
  press(strip, data.chosen)
  if (before === String(data.chosen)) return
  reveal(strip)
  if (before) say(parentElement, strip)
}

function press(strip, id) {
  for (const button of strip.children) button.setAttribute("aria-pressed", String(button.dataset.image === String(id)))
  const focused = strip.getRootNode().activeElement
  stop(strip, strip.contains(focused) ? focused : (pressed(strip) ?? strip.firstElementChild))
}

function pressed(strip) {
  return strip.querySelector('[aria-pressed="true"]')
}

// The one thumbnail that Tab leads to.
function stop(strip, at) {
  for (const button of strip.children) button.tabIndex = button === at ? 0 : -1
}

function walk(strip, event) {
  const way = WAYS[event.key]
  if (!way || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
  event.preventDefault()
  const from = [...strip.children].indexOf(event.target)
  const next = strip.children[Math.min(strip.children.length - 1, Math.max(0, from + way))]
  stop(strip, next)
  next.focus()
}

function say(parent, strip) {
  const at = pressed(strip)
  const place = [...strip.children].indexOf(at) + 1
  parent.querySelector(".status").textContent = at ? `Image ${place} of ${strip.children.length}. ${at.title}` : ""
}

function reveal(strip) {
  const at = pressed(strip)
  if (at) strip.scrollLeft = at.offsetLeft - strip.offsetLeft - strip.clientWidth / 2 + 29
}
