// A day of 200 people in twenty minutes: morning, noon, afternoon, evening.
import { thresholds, visit } from './journey.js'

export const options = {
  thresholds,
  stages: [
    { duration: '3m', target: 60 },
    { duration: '4m', target: 200 },
    { duration: '3m', target: 80 },
    { duration: '6m', target: 150 },
    { duration: '4m', target: 0 },
  ],
}
export default visit
