import WMTSCapabilities from 'ol/format/WMTSCapabilities'
import { optionsFromCapabilities } from 'ol/source/WMTS'
import { expect, test } from 'vitest'

// Written by the backend, whose tests see to it that it is what the server answers with.
import xml from './wmts.example.xml?raw'

test('OpenLayers understands our WMTS capabilities', () => {
  const parsed = new WMTSCapabilities().read(xml)
  expect(parsed.Contents.Layer[0].Title).toBe('Søndre <Strømfjord> & more')
  expect(parsed.Contents.Layer[0].WGS84BoundingBox).toEqual([-51.5, 66.8, -50.1, 67.2])
  const options = optionsFromCapabilities(parsed, {
    layer: '00000000-0000-4000-8000-000000000001',
  })!
  expect(options.requestEncoding).toBe('REST')
  expect(options.urls![0]).toContain('/{TileMatrix}/{TileCol}/{TileRow}?v=2')
  const grid = options.tileGrid!
  expect(grid.getMatrixIds()).toEqual(['0', '1', '2', '3'])
  expect(grid.getResolution(0)).toBeCloseTo(156543.0339, 3)
  expect(grid.getOrigin(0)[0]).toBeCloseTo(-20037508.3428, 3)
})
