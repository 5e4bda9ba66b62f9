import { number } from '@/composables/format'

import { distance, extremes, linePath, type Sample } from './chart'
import { ticks } from './histogram'

const [WIDTH, HEIGHT] = [1200, 500]
const [LEFT, TOP, RIGHT, BOTTOM] = [110, 60, 30, 50] // margins

/** A profile as a PNG, with its axes. */
export async function drawProfile(
  values: Sample[],
  { title, length, unit }: { title: string; length: number; unit: string },
  colours: { line: string; ink: string; grid: string; paper: string },
): Promise<Blob> {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const context = canvas.getContext('2d')!
  const [wide, tall] = [WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM]
  const [low, high] = extremes(values)!
  context.fillStyle = colours.paper
  context.fillRect(0, 0, WIDTH, HEIGHT)
  context.fillStyle = colours.ink
  context.font = '600 20px sans-serif'
  context.fillText(title, LEFT, 36, wide)
  context.font = '16px sans-serif'
  context.strokeStyle = colours.grid
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  for (const value of ticks([low, high], 5)) {
    const y = TOP + tall - ((value - low) / (high - low)) * tall
    context.strokeRect(LEFT, y, wide, 0)
    context.fillText(unit ? `${number(value)} ${unit}` : number(value), LEFT - 10, y)
  }
  context.textAlign = 'center'
  for (const metres of ticks([0, length], 6)) {
    const x = LEFT + (metres / length) * wide
    context.strokeRect(x, TOP, 0, tall)
    context.fillText(distance(metres), x, HEIGHT - BOTTOM / 2)
  }
  context.translate(LEFT, TOP)
  context.strokeStyle = colours.line
  context.lineWidth = 2.5
  context.lineJoin = 'round'
  context.stroke(new Path2D(linePath(values, wide, tall)))
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('No picture.'))), 'image/png'),
  )
}
