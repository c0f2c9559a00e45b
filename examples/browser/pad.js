import { trace } from './see.js'

/** The width of lines, as a share of the pad's. */
const LINE = 0.065

/**
 * Makes a canvas one to draw on by mouse, pen or finger. `changed` gets the strokes, each a list of points between 0 and
 * 1, and whether the last one is at its end.
 */
export function createPad(canvas, changed) {
  const context = canvas.getContext('2d')
  let strokes = []
  let frame = 0
  /** The pointer that draws, while it is down. */
  let pen

  function set(next, isWhole = true) {
    cancelAnimationFrame(frame)
    strokes = next
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.strokeStyle = getComputedStyle(canvas).color
    context.lineWidth = LINE * canvas.width
    trace(strokes, context, canvas.width)
    changed(strokes, isWhole)
  }

  function pointOf(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect()
    return [(event.clientX - left) / width, (event.clientY - top) / height]
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (pen !== undefined || event.button !== 0) return
    pen = event.pointerId
    canvas.setPointerCapture(pen)
    set([...strokes, [pointOf(event)]], false)
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== pen) return
    strokes.at(-1).push(...(event.getCoalescedEvents?.() ?? [event]).map(pointOf))
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(() => set(strokes, false))
  })
  canvas.addEventListener('lostpointercapture', (event) => {
    if (event.pointerId !== pen) return
    pen = undefined
    set(strokes)
  })

  /** Replaces what is drawn, and ends a stroke that somebody is drawing. */
  function replace(next) {
    pen = undefined
    set(next)
  }
  return { replace }
}
