import type OlMap from 'ol/Map'

import type { Legend } from './legend'
import { t } from './locales'

interface Colours {
  water: string
  surface: string
  ink: string
  muted: string
}

/**
 * The map as it is seen, with a legend and a scale, as a PNG.
 * @param legends the highest layer's first
 * @param credit whom the map below is from; may be ""
 */
export async function exportMap(
  map: OlMap,
  legends: Legend[],
  credit: string,
  colours: Colours,
): Promise<Blob> {
  map.renderSync()
  const [width = 1, height = 1] = map.getSize() ?? []
  const ratio = devicePixelRatio
  const canvas = document.createElement('canvas')
  canvas.width = width * ratio
  canvas.height = height * ratio
  const context = canvas.getContext('2d')!
  context.scale(ratio, ratio)
  context.fillStyle = colours.water
  context.fillRect(0, 0, width, height)
  drawLayers(context, map)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.textBaseline = 'middle'
  if (legends.length) drawLegends(context, legends, height, colours)
  const scale = scaleBar(map)
  if (scale) drawScale(context, scale, width, height, colours)
  if (credit) drawCredit(context, credit, width, colours)
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('No picture.'))), 'image/png'),
  )
}

/** The bar of the map's scale: its pixels and what they are long. */
function scaleBar(map: OlMap): { width: number; text: string } | null {
  const bar = map.getTargetElement()?.querySelector<HTMLElement>('.ol-scale-line-inner')
  if (!bar) return null
  return { width: bar.offsetWidth, text: bar.textContent }
}

/** Puts the canvases of the layers together as CSS does on the page. */
function drawLayers(context: CanvasRenderingContext2D, map: OlMap) {
  const ratio = devicePixelRatio
  for (const layer of map.getViewport()!.querySelectorAll<HTMLCanvasElement>('.ol-layers canvas')) {
    if (!layer.width) continue
    const parent = layer.parentElement!
    const { opacity, mixBlendMode } = getComputedStyle(parent)
    context.globalAlpha = Number(parent.style.opacity || layer.style.opacity || opacity)
    context.globalCompositeOperation = (
      mixBlendMode === 'normal' ? 'source-over' : mixBlendMode
    ) as GlobalCompositeOperation
    const matrix = /^matrix\(([^(]*)\)$/.exec(layer.style.transform)?.[1]?.split(',').map(Number)
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] =
      matrix ?? [parseFloat(layer.style.width) / layer.width || 1 / ratio, 0, 0, parseFloat(layer.style.height) / layer.height || 1 / ratio, 0, 0] // prettier-ignore
    context.setTransform(a * ratio, b * ratio, c * ratio, d * ratio, e * ratio, f * ratio)
    context.drawImage(layer, 0, 0)
  }
  context.globalAlpha = 1
  context.globalCompositeOperation = 'source-over'
}

const PAD = 12
const LINE = 18
const WIDE = 220
const MOST = 14 // classes, as more do not fit

function drawLegends(
  context: CanvasRenderingContext2D,
  legends: Legend[],
  height: number,
  colours: Colours,
) {
  const rows = legends.flatMap(({ title, subtitle, colours: ramp, labels, classes }) => [
    { text: title, bold: true },
    ...(subtitle ? [{ text: subtitle }] : []),
    ...(ramp ? [{ ramp }, { text: '', labels }] : []),
    ...(classes ?? []).slice(0, MOST).map(({ colour, name }) => ({ colour, text: name })),
    ...((classes?.length ?? 0) > MOST
      ? [{ text: t('moreClasses', { n: classes!.length - MOST }) }]
      : []),
  ]) as { text?: string; bold?: boolean; ramp?: string[]; labels?: string[]; colour?: string }[]
  const tall = rows.length * LINE + 2 * PAD
  let y = height - tall - PAD
  panel(context, PAD, y, WIDE + 2 * PAD, tall, colours)
  y += PAD + LINE / 2
  const x = 2 * PAD
  for (const { text = '', bold, ramp, labels, colour } of rows) {
    context.font = `${bold ? '600 ' : ''}12px sans-serif`
    context.fillStyle = bold || colour ? colours.ink : colours.muted
    context.textAlign = 'left'
    if (ramp) {
      const gradient = context.createLinearGradient(x, 0, x + WIDE, 0)
      ramp.forEach((one, index) =>
        gradient.addColorStop(index / Math.max(1, ramp.length - 1), `#${one}`),
      )
      context.fillStyle = gradient
      context.fillRect(x, y - 5, WIDE, 10)
    } else if (labels) {
      context.fillText(labels[0] ?? '', x, y)
      context.textAlign = 'right'
      context.fillText(labels[1] ?? '', x + WIDE, y)
    } else {
      context.fillText(text, x + (colour ? 18 : 0), y, WIDE - (colour ? 18 : 0))
    }
    if (colour) {
      context.fillStyle = colour
      context.fillRect(x, y - 6, 12, 12)
    }
    y += LINE
  }
}

function drawScale(
  context: CanvasRenderingContext2D,
  scale: { width: number; text: string },
  width: number,
  height: number,
  colours: Colours,
) {
  const [right, bottom] = [width - 2 * PAD, height - 2 * PAD]
  panel(context, right - scale.width - PAD, bottom - 28, scale.width + 2 * PAD, 40, colours)
  context.strokeStyle = context.fillStyle = colours.ink
  context.lineWidth = 1.5
  context.beginPath()
  context.moveTo(right - scale.width, bottom - 6)
  context.lineTo(right - scale.width, bottom)
  context.lineTo(right, bottom)
  context.lineTo(right, bottom - 6)
  context.stroke()
  context.font = '12px sans-serif'
  context.textAlign = 'center'
  context.fillText(scale.text, right - scale.width / 2, bottom - 14)
}

/** In the upper right corner, where it covers neither the legend nor the scale. */
function drawCredit(
  context: CanvasRenderingContext2D,
  credit: string,
  width: number,
  colours: Colours,
) {
  context.font = '11px sans-serif'
  const wide = Math.min(context.measureText(credit).width, width - 4 * PAD)
  panel(context, width - wide - 2 * PAD, PAD, wide + PAD, LINE, colours)
  context.fillStyle = colours.muted
  context.textAlign = 'right'
  context.fillText(credit, width - 1.5 * PAD, PAD + LINE / 2, wide)
}

function panel(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  { surface }: Colours,
) {
  context.fillStyle = surface
  context.globalAlpha = 0.9
  context.beginPath()
  context.roundRect(x, y, width, height, 8)
  context.fill()
  context.globalAlpha = 1
}
