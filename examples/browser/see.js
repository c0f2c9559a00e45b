/** MNIST's images: digits fit a box of 20 × 20 pixels, and their center of mass is the center of 28 × 28. */
const [SIDE, BOX] = [28, 20]
/** How wide MNIST's strokes are, about, whatever the size at which somebody draws. */
const STROKE = 2.4
/** A drawing smaller than this share of the pad is not enlarged further: a dot stays one. */
const SMALLEST = 0.12

/** Draws strokes as MNIST has digits, white on black, and returns the pixels from 0 to 1. */
export function see(strokes, context) {
  const points = strokes.flat()
  if (points.length === 0) return draw(strokes, context, 1, 0, 0)
  const [left, right, top, bottom] = [0, 1].flatMap((axis) => {
    const along = points.map((point) => point[axis])
    return [Math.min(...along), Math.max(...along)]
  })
  const scale = (BOX - STROKE) / Math.max(right - left, bottom - top, SMALLEST)
  const x = SIDE / 2 - (scale * (left + right)) / 2
  const y = SIDE / 2 - (scale * (top + bottom)) / 2
  const [centerX, centerY] = centerOfMass(draw(strokes, context, scale, x, y))
  return draw(strokes, context, scale, x + SIDE / 2 - centerX, y + SIDE / 2 - centerY)
}

function draw(strokes, context, scale, x, y) {
  context.fillStyle = '#000'
  context.fillRect(0, 0, SIDE, SIDE)
  context.strokeStyle = '#fff'
  context.lineWidth = STROKE
  trace(strokes, context, scale, x, y)
  const { data } = context.getImageData(0, 0, SIDE, SIDE)
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i] / 255)
}

/** Draws strokes, moved and enlarged, as smooth lines of the context's width. */
export function trace(strokes, context, scale, x = 0, y = 0) {
  context.lineCap = context.lineJoin = 'round'
  context.beginPath()
  for (const stroke of strokes) {
    const points = stroke.map(([right, down]) => [x + scale * right, y + scale * down])
    context.moveTo(...points[0])
    for (let i = 1; i < points.length; i++) {
      const [[ax, ay], [bx, by]] = [points[i - 1], points[i]]
      context.quadraticCurveTo(ax, ay, (ax + bx) / 2, (ay + by) / 2)
    }
    // A line without any length would not be drawn: a dot has a little.
    context.lineTo(points.at(-1)[0] + 0.01, points.at(-1)[1])
  }
  context.stroke()
}

function centerOfMass(pixels) {
  let [sum, x, y] = [0, 0, 0]
  for (const [i, pixel] of pixels.entries()) {
    sum += pixel
    x += pixel * ((i % SIDE) + 0.5)
    y += pixel * (Math.floor(i / SIDE) + 0.5)
  }
  return [x / sum, y / sum]
}
