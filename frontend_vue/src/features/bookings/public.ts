/** What other features may use of this one. */
export { bookings, instruments } from './api'
