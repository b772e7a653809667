// Small maps out of one picture, as a table; a click tells the server which network.

export default function ({ data, parentElement, setTriggerValue }) {
  const table = parentElement.querySelector("table")
  if (!table || !data) return
  const { columns, rows, sheet, side } = data
  table.tHead?.remove()
  for (const body of [...table.tBodies]) body.remove()
  const head = table.createTHead().insertRow()
  head.append(document.createElement("td"), ...columns.map((name) => heading(name, "col")))
  const body = table.createTBody()
  for (const { name, cells } of rows) {
    const row = body.insertRow()
    row.append(heading(name, "row"))
    for (const cell of cells) fill(row.insertCell(), cell, sheet, side, setTriggerValue)
  }
}

function heading(name, scope) {
  return Object.assign(document.createElement("th"), { textContent: name, scope })
}

function fill(place, cell, sheet, side, setTriggerValue) {
  if (!cell) return
  const button = document.createElement("button")
  button.type = "button"
  button.title = cell.name
  button.setAttribute("aria-label", cell.name)
  button.dataset.cell = cell.cell
  button.style.width = button.style.height = `${side}px`
  button.style.backgroundImage = `url("${sheet}")`
  button.style.backgroundPosition = `-${cell.place * side}px 0`
  button.onclick = () => setTriggerValue("cell", cell.cell)
  place.dataset.teacher = cell.teacher
  place.append(button, cell.text)
}
