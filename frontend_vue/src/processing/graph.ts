/** Where the stages of a pipeline stand, and the lines between them. Lengths are in rem. */

/** What of a stage the drawing needs; each comes after those that it waits for. */
export interface GraphStage {
  key: string
  after: string[]
  height: number
}

export interface Point {
  x: number
  y: number
}

export interface Drawing {
  width: number
  height: number
  /** Of each node. */
  nodeWidth: number
  nodes: Record<string, Point>
  edges: { from: string; to: string; path: string }[]
}

const NARROWEST = 11.5
const WIDEST = 24
const GAP = 3.5
const ROW_GAP = 1.25
/** What a line that passes a layer takes of its height. */
const PASSAGE = 1.5
const LANE = 1
/** More would leave no room for the stages; then some lie on each other. */
const MOST_LANES = 6
const COLUMN_WIDEST = 40
const ROUND = 0.6
const SWEEPS = 4

/** The graph from left to right; null where its layers do not fit into the width. */
export function drawLayers(stages: GraphStage[], width: number): Drawing | null {
  const layers = orderLayers(stages)
  const nodeWidth = Math.min(WIDEST, (width - GAP * (layers.length - 1)) / layers.length)
  if (nodeWidth < NARROWEST) return null

  const heights = layers.map(
    (layer) =>
      layer.reduce((sum, { stage }) => sum + (stage?.height ?? PASSAGE), 0) +
      ROW_GAP * (layer.length - 1),
  )
  const height = Math.max(0, ...heights)
  const nodes: Record<string, Point> = {}
  const middles = new Map<Slot, Point>()
  layers.forEach((layer, index) => {
    const x = index * (nodeWidth + GAP)
    let y = (height - heights[index]!) / 2
    for (const slot of layer) {
      const own = slot.stage?.height ?? PASSAGE
      if (slot.stage) nodes[slot.stage.key] = { x, y }
      middles.set(slot, { x, y: y + own / 2 })
      y += own + ROW_GAP
    }
  })

  const ends = layers.flat().filter(({ stage }) => stage)
  const edges = ends.flatMap((last) =>
    last.before.map((first) => {
      const chain = [first, last]
      while (!chain[0]!.stage) chain.unshift(chain[0]!.before[0]!)
      const path = chain.slice(1).map((slot, index) => {
        const from = middles.get(chain[index]!)!
        const to = middles.get(slot)!
        const start = from.x + nodeWidth
        const bend = (start + to.x) / 2
        const passing = slot.stage ? '' : `H${to.x + nodeWidth}`
        return `${index ? '' : `M${start} ${from.y}`}C${bend} ${from.y} ${bend} ${to.y} ${to.x} ${to.y}${passing}`
      })
      const end = middles.get(last)!
      return {
        from: chain[0]!.stage!.key,
        to: last.stage!.key,
        path: `${path.join('')}m-.4 -.3L${end.x} ${end.y}l-.4 .3`,
      }
    }),
  )
  const all = layers.length * (nodeWidth + GAP) - GAP
  return { width: Math.max(0, all), height, nodeWidth, nodes, edges }
}

/** A stage in its layer, or the place where a line passes a layer. */
interface Slot {
  stage: GraphStage | null
  before: Slot[]
  after: Slot[]
}

/**
 * The layers from first to last: each stage as late as its longest way there makes it, in an order
 * with few crossings (barycentre method, Sugiyama, Tagawa and Toda, 1981).
 */
function orderLayers(stages: GraphStage[]): Slot[][] {
  const layers: Slot[][] = []
  const found = new Map<string, { slot: Slot; depth: number }>()
  const place = (slot: Slot, depth: number) => (layers[depth] ??= []).push(slot)
  const join = (first: Slot, second: Slot) => {
    first.after.push(second)
    second.before.push(first)
  }
  for (const stage of stages) {
    const earlier = stage.after.flatMap((key) => found.get(key) ?? [])
    const depth = Math.max(-1, ...earlier.map((entry) => entry.depth)) + 1
    const slot: Slot = { stage, before: [], after: [] }
    for (const entry of earlier) {
      let last = entry.slot
      for (let between = entry.depth + 1; between < depth; between += 1) {
        const passage: Slot = { stage: null, before: [], after: [] }
        join(last, passage)
        place(passage, between)
        last = passage
      }
      join(last, slot)
    }
    place(slot, depth)
    found.set(stage.key, { slot, depth })
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0
    for (let step = 1; step < layers.length; step += 1) {
      const layer = layers[forth ? step : layers.length - 1 - step]!
      const positions = new Map(
        layers.flatMap((other) => other.map((slot, index) => [slot, index])),
      )
      const centre = (slot: Slot) => {
        const others = forth ? slot.before : slot.after
        if (!others.length) return positions.get(slot)!
        return others.reduce((sum, other) => sum + positions.get(other)!, 0) / others.length
      }
      layer.sort((one, other) => centre(one) - centre(other)) // which is stable
    }
  }
  return layers
}

/** The graph from top to bottom, one stage below the other, for screens without room beside. */
export function drawColumn(stages: GraphStage[], width: number): Drawing {
  const rows = new Map(stages.map(({ key }, index) => [key, index]))
  const pairs = stages.flatMap(({ key, after }) =>
    after.filter((first) => rows.has(first)).map((first) => ({ from: first, to: key })),
  )
  const isFar = ({ from, to }: Pair) => rows.get(to)! > rows.get(from)! + 1
  const lanes = assignLanes(pairs.filter(isFar), rows)
  const gutter = Math.max(0, ...[...lanes.values()].map((lane) => (lane + 1) * LANE))
  const nodeWidth = Math.max(0, Math.min(COLUMN_WIDEST, width - gutter))

  const nodes: Record<string, Point> = {}
  const bottoms: Record<string, number> = {}
  let height = 0
  for (const stage of stages) {
    if (height) height += GAP / 2
    nodes[stage.key] = { x: gutter, y: height }
    height += stage.height
    bottoms[stage.key] = height
  }
  const edges = pairs.map((pair) => {
    const [start, end] = [bottoms[pair.from]!, nodes[pair.to]!.y]
    if (!isFar(pair)) {
      const x = gutter + nodeWidth / 2
      return { ...pair, path: `M${x} ${start}V${end}m-.3 -.4L${x} ${end}l.3 -.4` }
    }
    const x = gutter - (lanes.get(pair)! + 1) * LANE + 0.2
    const [top, bottom] = [start - 1.5, end + 1.5]
    const path =
      `M${gutter} ${top}H${x + ROUND}Q${x} ${top} ${x} ${top + ROUND}V${bottom - ROUND}` +
      `Q${x} ${bottom} ${x + ROUND} ${bottom}H${gutter}m-.4 -.3L${gutter} ${bottom}l-.4 .3`
    return { ...pair, path }
  })
  return { width: gutter + nodeWidth, height, nodeWidth, nodes, edges }
}

interface Pair {
  from: string
  to: string
}

/**
 * Lines that pass other stages run beside the column, in lanes. Those from one stage, or into one,
 * run together.
 */
function assignLanes(pairs: Pair[], rows: Map<string, number>): Map<Pair, number> {
  const bundles = new Map<string, Pair[]>()
  for (const pair of pairs) {
    const leaving = pairs.filter(({ from }) => from === pair.from).length
    const arriving = pairs.filter(({ to }) => to === pair.to).length
    const name = leaving > arriving ? `from ${pair.from}` : `to ${pair.to}`
    bundles.set(name, [...(bundles.get(name) ?? []), pair])
  }
  const spans = [...bundles.values()].map((bundle) => ({
    bundle,
    top: Math.min(...bundle.map(({ from }) => rows.get(from)!)),
    end: Math.max(...bundle.map(({ to }) => rows.get(to)!)),
  }))
  const lanes = new Map<Pair, number>()
  const ends: number[] = [] // last row of each lane
  for (const { bundle, top, end } of spans.sort((one, other) => one.top - other.top)) {
    const free = ends.findIndex((last) => last <= top)
    const lane = free < 0 ? ends.length : free
    ends[lane] = end
    for (const pair of bundle) lanes.set(pair, lane % MOST_LANES)
  }
  return lanes
}
