import { expect, test } from 'vitest'

import { drawColumn, drawLayers, type Drawing, type GraphStage } from './graph'

/** "a", "b:a" -> a, and b after a. */
function graph(...texts: string[]): GraphStage[] {
  return texts.map((text) => {
    const [key, after] = text.split(':')
    return { key: key!, after: after ? after.split(',') : [], height: 5 }
  })
}

/** Keys by layer, each from top to bottom. */
function layers({ nodes }: Drawing): string[][] {
  const byX = new Map<number, string[]>()
  for (const [key] of Object.entries(nodes).sort(([, one], [, other]) => one.y - other.y)) {
    byX.set(nodes[key]!.x, [...(byX.get(nodes[key]!.x) ?? []), key])
  }
  return [...byX.entries()].sort(([one], [other]) => one - other).map(([, keys]) => keys)
}

test.each([
  [['a'], [['a']]],
  [
    ['a', 'b:a', 'c:b'],
    [['a'], ['b'], ['c']],
  ],
  [
    ['a', 'b:a', 'c:a', 'd:b,c'],
    [['a'], ['b', 'c'], ['d']],
  ],
  [
    ['a', 'b:a', 'c:a,b'],
    [['a'], ['b'], ['c']],
  ],
  [['a', 'b'], [['a', 'b']]],
  // As it is declared, the lines to c and d would cross.
  [
    ['a', 'b', 'd:b', 'c:a'],
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
])('each stage stands right of those it waits for: %j', (texts, found) => {
  expect(layers(drawLayers(graph(...texts), 100)!)).toEqual(found)
})

test('each line begins at the right of one box and ends at the left of the other', () => {
  const drawing = drawLayers(graph('a', 'b:a', 'c:b', 'd:a,c'), 100)!
  expect(drawing.edges.map(({ from, to }) => `${from}-${to}`).sort()).toEqual([
    'a-b',
    'a-d',
    'b-c',
    'c-d',
  ])
  const { nodes, nodeWidth, edges } = drawing
  for (const { from, to, path } of edges) {
    expect(path).toMatch(new RegExp(`^M${nodes[from]!.x + nodeWidth} ${nodes[from]!.y + 2.5}C`))
    expect(path).toContain(`L${nodes[to]!.x} ${nodes[to]!.y + 2.5}l`)
  }
})

test('a line that passes a layer does not lie beneath its boxes', () => {
  const { nodes, edges } = drawLayers(graph('a', 'b:a', 'c:a,b'), 100)!
  const long = edges.find(({ from, to }) => from === 'a' && to === 'c')!
  const passage = Number(/ ([\d.]+)H/.exec(long.path)![1])
  expect(passage < nodes.b!.y || passage > nodes.b!.y + 5).toBe(true)
})

test.each(['layers', 'column'])('no box lies on another: %s', (kind) => {
  const stages = graph('a', 'b:a', 'c:a', 'd:a', 'e:b,c', 'f:d,a', 'g:e,f')
  stages[2]!.height = 8
  const drawing = kind === 'layers' ? drawLayers(stages, 100)! : drawColumn(stages, 24)
  const { nodes, nodeWidth, width, height } = drawing
  for (const one of stages) {
    const { x, y } = nodes[one.key]!
    expect(x).toBeGreaterThanOrEqual(0)
    expect(x + nodeWidth).toBeLessThanOrEqual(width + 1e-9)
    expect(y + one.height).toBeLessThanOrEqual(height + 1e-9)
    for (const other of stages) {
      const there = nodes[other.key]!
      const apart =
        Math.abs(x - there.x) >= nodeWidth ||
        y >= there.y + other.height ||
        there.y >= y + one.height
      expect(one === other || apart, `${one.key} ${other.key}`).toBe(true)
    }
  }
})

test('a graph with more layers than fit stands in a column, in the order of the work', () => {
  const stages = graph('a', 'b:a', 'c:b', 'd:c', 'e:d', 'f:e')
  expect(drawLayers(stages, 60)).toBeNull()
  expect(drawLayers(stages, 100)).not.toBeNull()
  const { nodes, width } = drawColumn(stages, 22)
  expect(width).toBe(22)
  const down = Object.keys(nodes).sort((one, other) => nodes[one]!.y - nodes[other]!.y)
  expect(down).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})

test('twenty branches leave room for their boxes on a phone', () => {
  const branches = Array.from({ length: 20 }, (_, number) => `b${number}`)
  const stages = graph('a', ...branches.map((key) => `${key}:a`), `z:${branches}`)
  const { nodeWidth, width, edges } = drawColumn(stages, 20)
  expect(width).toBeLessThanOrEqual(20)
  expect(nodeWidth).toBeGreaterThan(17)
  expect(edges).toHaveLength(40)
})

test('nothing yet is nothing', () => {
  expect(drawLayers([], 50)).toMatchObject({ width: 0, height: 0, edges: [] })
  expect(drawColumn([], 50)).toMatchObject({ height: 0, edges: [] })
})
