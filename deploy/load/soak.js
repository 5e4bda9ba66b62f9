// The same people for hours (DURATION=2h): what grows, and does not come back, is seen in memory,
// connections and disk, not here.
import { thresholds, visit } from './journey.js'

export const options = { thresholds, vus: 40, duration: __ENV.DURATION || '1h' }
export default visit
