import Feature from 'ol/Feature'
import type Geometry from 'ol/geom/Geometry'
import LineString from 'ol/geom/LineString'
import Point from 'ol/geom/Point'
import Polygon from 'ol/geom/Polygon'
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
export type Shape = 'line' | 'area'

/** Of a map with a cross in its middle. */
const AIM = 'map-aim'

interface Steps {
  /** The corners so far, the one under the pointer among them. */
  changed?: (corners: Line) => void
  done: (corners: Line) => void
}

/** A line or an area on the map, drawn by hand, and a point that runs along the line. */
export function createDrawing(map: OlMap, zIndex: number, colours: { line: string; halo: string }) {
  const drawn = new Feature<Geometry>()
  const point = new Feature<Geometry>()
  const stroke = (color: string, width: number) => new Stroke({ color, width })
  const style = [
    new Style({
      stroke: stroke(colours.halo, 5),
      fill: new Fill({ color: 'rgb(128 128 128 / 0.2)' }),
    }),
    new Style({
      stroke: stroke(colours.line, 2.5),
      image: new CircleStyle({
        radius: 6,
        fill: new Fill({ color: colours.line }),
        stroke: stroke(colours.halo, 2),
      }),
    }),
  ]
  const layer = new VectorLayer({
    source: new VectorSource({ features: [drawn, point] }),
    style,
    zIndex,
  })
  map.addLayer(layer)
  let draw: Draw | undefined

  // The double click that ends a drawing is not one that zooms.
  let ended = false
  const viewport = map.getViewport()!
  const forget = () => (ended = false)
  const hold = () => !ended // false stops it before the map's interactions
  viewport.addEventListener('pointerdown', forget)
  map.on('dblclick', hold)

  function stop() {
    if (draw) map.removeInteraction(draw)
    draw = undefined
    viewport.classList.remove(AIM)
  }

  /** Lets a person click corners; a double click ends it. */
  function begin(shape: Shape, { changed, done }: Steps) {
    stop()
    show(null)
    const interaction = new Draw({
      type: shape === 'area' ? 'Polygon' : 'LineString',
      maxPoints: 100,
      style,
    })
    interaction.on('drawstart', ({ feature }) => {
      const geometry = feature.getGeometry()
      geometry?.on('change', () => changed?.(corners(geometry)))
    })
    interaction.on('drawend', ({ feature }) => {
      ended = true
      const found = corners(feature.getGeometry()!)
      stop()
      show(found, shape)
      done(found)
    })
    draw = interaction
    map.addInteraction(interaction)
    viewport.classList.add(AIM)
    // From there the arrow keys move the map.
    map.getTargetElement()?.focus({ preventScroll: true })
  }

  /** Puts a corner where the cross is, for those who have no pointer, or a thick one. */
  const add = () => draw?.appendCoordinates([map.getView().getCenter()!])

  /** Takes the last corner back. */
  const undo = () => draw?.removeLastPoint()

  /** Ends a line where its last corner is, as a double click does. */
  const finish = () => draw?.finishDrawing()

  function show(found: Line | null, shape: Shape = 'line') {
    const places = found?.map((corner) => fromLonLat(corner))
    drawn.setGeometry(places && (shape === 'area' ? new Polygon([places]) : new LineString(places)))
    mark(null)
  }

  /** @param fraction of the line's length, null for no point */
  function mark(fraction: number | null) {
    const geometry = drawn.getGeometry()
    point.setGeometry(
      fraction === null || !(geometry instanceof LineString)
        ? undefined
        : new Point(geometry.getCoordinateAt(fraction)),
    )
  }

  function remove() {
    stop()
    map.un('dblclick', hold)
    viewport.removeEventListener('pointerdown', forget)
    map.removeLayer(layer)
  }

  return { begin, add, undo, finish, stop, show, mark, remove }
}

export type Drawing = ReturnType<typeof createDrawing>

/** Corners in degrees; of an area without the last, which is its first. */
function corners(geometry: Geometry): Line {
  const places =
    geometry instanceof Polygon
      ? geometry.getCoordinates()[0]!.slice(0, -1)
      : (geometry as LineString).getCoordinates()
  return places.map((place) => toLonLat(place))
}
