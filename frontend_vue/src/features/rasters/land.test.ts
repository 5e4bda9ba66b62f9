import { expect, test } from 'vitest'

import { unroll } from './land'

const widest = (ring: number[][]) =>
  Math.max(...ring.slice(1).map((point, index) => Math.abs(point[0]! - ring[index]![0]!)))

test('a ring across the antimeridian goes on beyond it', () => {
  const ring = [[170, 60], [-170, 60], [-170, 70], [170, 70], [170, 60]] // prettier-ignore
  expect(unroll(ring)).toEqual([[170, 60], [190, 60], [190, 70], [170, 70], [170, 60]]) // prettier-ignore
})

test('a ring round the south pole is closed along it', () => {
  const ring = [[-120, -70], [0, -75], [120, -70], [-120, -70]] // prettier-ignore
  const flat = unroll(ring)
  expect(flat[0]).toEqual(flat.at(-1))
  expect(flat.filter(([, latitude]) => latitude! < -85)).toHaveLength(2)
  // What remains wide lies along the pole, out of sight.
  expect(widest(flat.filter(([, latitude]) => latitude! > -85))).toBeLessThanOrEqual(360)
  expect(Math.max(...flat.map(([longitude]) => longitude!))).toBe(240)
})

test('an ordinary ring is left alone', () => {
  const ring = [[0, 0], [10, 0], [10, 10], [0, 0]] // prettier-ignore
  expect(unroll(ring)).toEqual(ring)
})
