// From five to three hundred within ten seconds, and back: nothing may be lost, and waits end.
import { thresholds, visit } from './journey.js'

export const options = {
  thresholds: { ...thresholds, http_req_duration: ['p(99)<5000'], request_seconds: ['p(95)<300'] },
  stages: [
    { duration: '1m', target: 5 },
    { duration: '10s', target: 300 },
    { duration: '2m', target: 300 },
    { duration: '10s', target: 5 },
    { duration: '3m', target: 5 },
  ],
}
export default visit
