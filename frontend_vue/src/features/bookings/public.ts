/** The public face of this feature, for other features. */
export { bookings, instruments } from './api'
