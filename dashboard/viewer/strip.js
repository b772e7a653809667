// A row of thumbnails out of one picture; a click tells the server which.

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
  press(strip, data.chosen)
  if (strip.dataset.chosen !== String(data.chosen)) reveal(strip)
  strip.dataset.chosen = data.chosen
}

function press(strip, id) {
  for (const button of strip.children) button.setAttribute("aria-pressed", String(button.dataset.image === String(id)))
}

function reveal(strip) {
  const pressed = strip.querySelector('[aria-pressed="true"]')
  if (pressed) strip.scrollLeft = pressed.offsetLeft - strip.offsetLeft - strip.clientWidth / 2 + 29
}
