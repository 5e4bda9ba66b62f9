import type { Range } from './style'

/** The side of a tile in pixels, and how many pixels it has. */
const SIDE = 256
const PIXELS = SIDE * SIDE

const HEAD = 8 // bytes

const TYPES = {
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float32: Float32Array,
} as const

/** What a tile shows, before it has colours (backend_django/rasters/numeric_tiles.py). */
export interface NumericTile {
  bands: InstanceType<(typeof TYPES)[keyof typeof TYPES]>[]
  /** How opaque each pixel is; null where all are. */
  mask: Uint8Array | null
}

/** How numbers become colours. */
export interface Painting {
  /** Per band, the values of the first and the last colour. */
  ranges: Range[]
  /** Of a single band: colours as RRGGBB, at equal distances. */
  colours: string[]
}

/** @throws {Error} when these are not the bytes of a tile */
export function readNumericTile(buffer: ArrayBuffer): NumericTile {
  const head = new TextDecoder().decode(buffer.slice(0, HEAD))
  const [, name, count] = /^(\w+) *(\d)$/.exec(head) ?? []
  const type = TYPES[name as keyof typeof TYPES]
  if (!type) throw new Error(`Tiles of “${head}” are not known.`)
  const bytes = PIXELS * type.BYTES_PER_ELEMENT
  const bands = Array.from(
    { length: Number(count) },
    (_, band) => new type(buffer, HEAD + band * bytes, PIXELS),
  )
  const end = HEAD + bands.length * bytes
  return { bands, mask: buffer.byteLength > end ? new Uint8Array(buffer, end, PIXELS) : null }
}

/**
 * Paints a tile as the server does (backend_django/rasters/images.py).
 * @param pixels RGBA, lowest byte first
 */
export function paintTile({ bands, mask }: NumericTile, painting: Painting, pixels: Uint32Array) {
  if (bands.length === 1) paintColours(bands[0]!, mask, painting, pixels)
  else paintChannels(bands, mask, painting.ranges, pixels)
}

const OPAQUE = 0xff000000
/** Of a colormap; one of 256 places of a palette is for what is transparent. */
const COLOURS = 255

function paintColours(
  values: ArrayLike<number>,
  mask: Uint8Array | null,
  { ranges, colours }: Painting,
  pixels: Uint32Array,
) {
  const table = colourTable(colours)
  const [low, factor] = scaleOf(ranges[0]!, COLOURS - 1)
  for (let at = 0; at < PIXELS; at += 1) {
    const hidden = mask !== null && mask[at] === 0
    pixels[at] = hidden ? 0 : table[level((values[at]! - low) * factor, COLOURS - 1)]!
  }
}

function paintChannels(
  bands: ArrayLike<number>[],
  mask: Uint8Array | null,
  ranges: Range[],
  pixels: Uint32Array,
) {
  const [red, green, blue] = bands as [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>]
  const [[r, byRed], [g, byGreen], [b, byBlue]] = ranges.map((range) => scaleOf(range, 255)) as [
    Range,
    Range,
    Range,
  ]
  for (let at = 0; at < PIXELS; at += 1) {
    const alpha = mask === null ? OPAQUE : mask[at]! << 24
    pixels[at] =
      alpha |
      (level((blue[at]! - b) * byBlue, 255) << 16) |
      (level((green[at]! - g) * byGreen, 255) << 8) |
      level((red[at]! - r) * byRed, 255)
  }
}

const scaleOf = ([low, high]: Range, top: number): [low: number, factor: number] => [
  low,
  high > low ? top / (high - low) : 1,
]

/** Not a number is 0, as on the server. */
const level = (value: number, top: number) => (value >= top ? top : value > 0 ? value | 0 : 0)

const tables = new Map<string, Uint32Array>()

/** Colours between the given ones, as pixels. */
export function colourTable(colours: string[]): Uint32Array {
  const key = colours.join()
  const known = tables.get(key)
  if (known) return known
  const stops = colours.map((text) => [0, 2, 4].map((from) => parseInt(text.slice(from, from + 2), 16))) // prettier-ignore
  const table = Uint32Array.from({ length: COLOURS }, (_, index) => {
    const place = (index * (stops.length - 1)) / (COLOURS - 1)
    const from = Math.min(Math.floor(place), stops.length - 2)
    const [red, green, blue] = stops[from]!.map((value, channel) =>
      Math.round(value + (stops[from + 1]![channel]! - value) * (place - from)),
    ) as [number, number, number]
    return OPAQUE | (blue << 16) | (green << 8) | red
  })
  tables.set(key, table)
  return table
}
