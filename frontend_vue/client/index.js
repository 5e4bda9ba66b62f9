import createClient from 'openapi-fetch'

/** The API of an installation, typed by its OpenAPI document. */
export function createApi({ origin, token, ...options }) {
  return createClient({
    ...options,
    baseUrl: `${origin.replace(/\/+$/, '')}/api/v1`,
    headers: {
      Accept: 'application/json',
      ...(token && { Authorization: `Token ${token}` }),
      ...options.headers,
    },
  })
}
