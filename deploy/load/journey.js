// One visit: look at the list, send a file, wait until its request has ended. See docs/scaling.md.
// HOST, TOKEN (an API token; several with commas are several people), KIND and FILE say of what.
import http from 'k6/http'
import { check, sleep } from 'k6'
import { Trend } from 'k6/metrics'

const { HOST, TOKEN, KIND, FILE } = __ENV
const TOKENS = TOKEN.split(',')
const API = `${HOST}/api/v1/${KIND}`
const file = open(FILE, 'b')
const seconds = new Trend('request_seconds')

export const thresholds = {
  http_req_failed: ['rate<0.005'],
  http_req_duration: ['p(99)<1000'],
  request_seconds: [`p(95)<${__ENV.REQUEST_SECONDS || 60}`],
  checks: ['rate>0.995'],
}

export function visit() {
  const headers = { Authorization: `Token ${TOKENS[__VU % TOKENS.length]}` }
  const named = (name) => ({ headers, tags: { name } })
  check(http.get(`${API}/list/`, named('list')), { listed: (r) => r.status === 200 })
  const began = Date.now()
  const body = { file: http.file(file, FILE.split('/').pop()) }
  const made = http.post(`${API}/create/`, body, named('create'))
  if (!check(made, { accepted: (r) => r.status === 201 })) return sleep(1)
  let state
  do {
    sleep(1)
    state = http.get(`${API}/status/${made.json('id')}/`, named('status')).json('status')
  } while (state === 'pending' || state === 'processing')
  check(state, { completed: (s) => s === 'completed' })
  seconds.add((Date.now() - began) / 1000)
  sleep(Math.random() * 4)
}
