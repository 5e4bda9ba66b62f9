import { number } from '@/composables/format'

import { type Layer } from './layers'
import { bandName } from './readout'
import { algorithmTitle, CLASSES, isComputed } from './style'

/** What the colours of a layer mean. */
export interface Legend {
  title: string
  /** Of the bands that are drawn. */
  subtitle: string
  /** Colours at equal distances, as RRGGBB, between the two labels. */
  colours?: string[]
  labels?: string[]
  /** Colours as CSS has them. */
  classes?: { colour: string; name: string }[]
}

export function legendOf({ raster, style }: Layer): Legend {
  const bands = style.bands.map((index) => raster.bands[index - 1]!)
  const [band] = bands
  const title = raster.name
  if (isComputed(style)) {
    const { expression, algorithm, ranges, colormap } = style
    return {
      title,
      subtitle: expression ?? algorithmTitle(algorithm!),
      colours: raster.colormaps[colormap],
      labels: ranges[0]!.map((value) => number(value) + (algorithm === 'slope' ? '°' : '')),
    }
  }
  if (bands.length > 1) {
    const names = bands.map((one, channel) => `${'RGB'[channel]} ${bandName(one)}`)
    return { title, subtitle: names.join(', ') }
  }
  const named = raster.bands.length > 1 || !!band!.description
  const subtitle = [named ? bandName(band!) : '', band!.unit].filter(Boolean).join(', ')
  const isPalette = band!.color_interpretation === 'palette'
  if (style.colormap === CLASSES || isPalette) {
    const classes = band!.classes?.map(({ value, name, colour }) => ({
      colour: `#${colour}`,
      name: name ? `${value} ${name}` : `${value}`,
    }))
    return { title, subtitle, classes }
  }
  const { scale = 1, offset = 0 } = band!
  const labels = style.ranges[0]!.map((value) => number(value * scale + offset))
  return { title, subtitle, colours: raster.colormaps[style.colormap || 'grey'], labels }
}
