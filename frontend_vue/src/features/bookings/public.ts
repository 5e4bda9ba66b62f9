/** The public face, for other features. */
export { bookings, instruments } from './api'
