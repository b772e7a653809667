// From numbers to pixels. Composes as core/overlay.py does.

const scratches = new Map() // a picture to paint on, by its side

// Pixels of a panel's canvas, a side: many panels are small, and all of them are to be drawn within a frame.
function sideOf(panels) {
  return panels.length > 6 ? 256 : 384
}

function numbers(base64, Kind) {
  return new Kind(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer)
}

function blank(side) {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = side
  return canvas
}

// The photo as it is and in grey, no smaller than a panel, so that nothing is lost to zooming.
async function photoOf(source, side) {
  const image = new Image()
  if (source) {
    image.src = source
    await image.decode()
  }
  const colour = blank(Math.max(side, image.naturalWidth))
  const context = colour.getContext("2d")
  context.fillStyle = "#777"
  context.fillRect(0, 0, colour.width, colour.width)
  if (source) {
    context.imageSmoothingQuality = "high"
    context.drawImage(image, 0, 0, colour.width, colour.width)
  }
  const pixels = context.getImageData(0, 0, colour.width, colour.width)
  for (let i = 0; i < pixels.data.length; i += 4) {
    const [r, g, b] = pixels.data.subarray(i, i + 3)
    pixels.data.fill(0.299 * r + 0.587 * g + 0.114 * b, i, i + 3)
  }
  const grey = blank(colour.width)
  grey.getContext("2d").putImageData(pixels, 0, 0)
  return { colour, grey }
}

// Of values from -255 to 255: their sizes, or with their signs, or by how much they are larger than the teacher's.
function valuesOf(view, i, kind) {
  const { panels, scale } = view.data
  const sizes = (k) => {
    const full = view.choice.own ? panels[k].scale : scale
    return Float32Array.from(view.maps[k], (value) => (full ? Math.min(255, (255 * Math.abs(value)) / full) : 0))
  }
  return remembered(view.values, `${kind} ${view.choice.own} ${i}`, () => {
    const own = sizes(i)
    if (kind === "signed") return own.map((size, j) => size * Math.sign(view.maps[i][j]))
    if (kind === "heat") return own
    const teacher = sizes(0)
    return own.map((size, j) => size - teacher[j])
  })
}

// A colour for every value from -255 to 255, and how much of the photo it covers. What is below the threshold is drawn
// as nothing is: clear, or under the veil of pale that two-sided colours need to be told apart on a coloured photo.
function tableOf(view, kind) {
  return remembered(view.tables, `${kind} ${view.choice.threshold}`, () => {
    const twoSided = kind !== "heat"
    const table = new Uint8ClampedArray(4 * 511)
    for (let i = 0; i < 511; i++) {
      const value = Math.abs(i - 255) < 2.55 * view.choice.threshold ? 0 : i - 255
      const colour = 3 * (twoSided ? Math.round((255 + value) / 2) : Math.abs(value))
      const cover = twoSided ? 90 + 1.2 * Math.abs(value) : 1.5 * Math.abs(value)
      table.set([...view.colours[kind].subarray(colour, colour + 3), cover], 4 * i)
    }
    return new Uint32Array(table.buffer)
  })
}

// Values are enlarged, never colours: between two colours of a scale lies one that means something else.
function paint(canvas, values, width, { x, y, zoom }, table) {
  const side = canvas.width
  const scratch = remembered(scratches, side, () => new ImageData(side, side))
  const pixels = new Uint32Array(scratch.data.buffer)
  const { low, high, share } = places(width, x, zoom, side)
  const down = places(values.length / width, y, zoom, side)
  const row = new Float32Array(width)
  for (let i = 0, to = 0; i < side; i++) {
    const [above, below, part] = [down.low[i] * width, down.high[i] * width, down.share[i]]
    for (let j = 0; j < width; j++) row[j] = values[above + j] + part * (values[below + j] - values[above + j])
    for (let j = 0; j < side; j++, to++) {
      const left = row[low[j]]
      // Cut after adding a half, this rounds.
      pixels[to] = table[(left + share[j] * (row[high[j]] - left) + 255.5) | 0]
    }
  }
  canvas.getContext("2d").putImageData(scratch, 0, 0)
}

// For each pixel of a panel's side: the values that it lies between, and how far from the first to the second.
function places(length, from, zoom, side) {
  const found = { low: new Int32Array(side), high: new Int32Array(side), share: new Float32Array(side) }
  for (let i = 0; i < side; i++) {
    const at = Math.min(length - 1, Math.max(0, (from + (i + 0.5) / side / zoom) * length - 0.5))
    found.low[i] = Math.floor(at)
    found.high[i] = Math.min(length - 1, found.low[i] + 1)
    found.share[i] = at - found.low[i]
  }
  return found
}

// ---- lines, in shares of the picture

function contourPath(view) {
  return remembered(view.paths, "contours", () => {
    const path = new Path2D()
    for (const line of view.data.contours) {
      const points = numbers(line, Uint16Array)
      for (let i = 0; i < points.length; i += 2) {
        const at = [points[i] / 65535, points[i + 1] / 65535]
        if (i) path.lineTo(...at)
        else path.moveTo(...at)
      }
      path.closePath()
    }
    return path
  })
}

// Along every side that a part shares with what is not of it.
function partPath(view, part) {
  return remembered(view.paths, part, () => {
    const path = new Path2D()
    const width = view.data.part_width
    const height = view.partMap.length / width
    const inside = (row, column) =>
      row >= 0 && row < height && column >= 0 && column < width && view.partMap[row * width + column] === part
    const side = (fromX, fromY, toX, toY) => {
      path.moveTo(fromX / width, fromY / height)
      path.lineTo(toX / width, toY / height)
    }
    for (let row = 0; row <= height; row++) {
      for (let column = 0; column <= width; column++) {
        const here = inside(row, column)
        if (here !== inside(row - 1, column)) side(column, row, column + 1, row)
        if (here !== inside(row, column - 1)) side(column, row, column, row + 1)
      }
    }
    return path
  })
}

// White or coloured within black: seen on every colour of the map and the photo.
function trace(context, path, colour, { x, y, zoom }) {
  const scale = context.canvas.width * zoom
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale)
  context.lineCap = context.lineJoin = "round"
  for (const [style, width] of [["#000", 5], [colour, 2.5]]) {
    context.strokeStyle = style
    context.lineWidth = width / scale
    context.stroke(path)
  }
  context.setTransform(1, 0, 0, 1, 0, 0)
}

function remembered(known, name, make) {
  if (!known.has(name)) known.set(name, make())
  return known.get(name)
}
