import type { Client, ClientOptions } from 'openapi-fetch'

import type { components, operations, paths } from './schema.js'

export type { components, operations, paths }

export type Api = Client<paths>

export interface Options extends Omit<ClientOptions, 'baseUrl'> {
  /** Where the installation is, such as https://www.example.org, with its path if it has one. */
  origin: string
  /** An API token, of the account page. In a browser that is signed in: none. */
  token?: string
}

export function createApi(options: Options): Api
