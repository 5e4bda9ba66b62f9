import Feature from 'ol/Feature'
import type Geometry from 'ol/geom/Geometry'
import LineString from 'ol/geom/LineString'
import Point from 'ol/geom/Point'
import Draw from 'ol/interaction/Draw'
import VectorLayer from 'ol/layer/Vector'
import type OlMap from 'ol/Map'
import { fromLonLat, toLonLat } from 'ol/proj'
import VectorSource from 'ol/source/Vector'
import CircleStyle from 'ol/style/Circle'
import Fill from 'ol/style/Fill'
import Stroke from 'ol/style/Stroke'
import Style from 'ol/style/Style'

/** Longitudes and latitudes. */
export type Line = number[][]

/** A line on the map, drawn by hand, and a point that runs along it. */
export function createProfileLine(map: OlMap, colours: { line: string; halo: string }) {
  const line = new Feature<Geometry>()
  const point = new Feature<Geometry>()
  const stroke = (color: string, width: number) => new Stroke({ color, width })
  const layer = new VectorLayer({
    source: new VectorSource({ features: [line, point] }),
    style: [
      new Style({ stroke: stroke(colours.halo, 5) }),
      new Style({
        stroke: stroke(colours.line, 2.5),
        image: new CircleStyle({
          radius: 6,
          fill: new Fill({ color: colours.line }),
          stroke: stroke(colours.halo, 2),
        }),
      }),
    ],
  })
  map.addLayer(layer)
  let draw: Draw | undefined

  function stop() {
    if (draw) map.removeInteraction(draw)
    draw = undefined
  }

  /** Lets a person click a line; a double click ends it. */
  function begin(done: (line: Line) => void) {
    stop()
    show(null)
    draw = new Draw({ type: 'LineString', maxPoints: 100 })
    draw.on('drawend', ({ feature }) => {
      const corners = (feature.getGeometry() as LineString).getCoordinates()
      stop()
      const drawn = corners.map((corner) => toLonLat(corner))
      show(drawn)
      done(drawn)
    })
    map.addInteraction(draw)
  }

  function show(corners: Line | null) {
    line.setGeometry(corners ? new LineString(corners.map((c) => fromLonLat(c))) : undefined)
    mark(null)
  }

  /** @param fraction of the line's length, null for no point */
  function mark(fraction: number | null) {
    const geometry = line.getGeometry() as LineString | undefined
    point.setGeometry(
      fraction === null || !geometry ? undefined : new Point(geometry.getCoordinateAt(fraction)),
    )
  }

  function remove() {
    stop()
    map.removeLayer(layer)
  }

  return { begin, stop, show, mark, remove }
}
