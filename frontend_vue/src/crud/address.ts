import { env } from '@/env'

/** Where the browser finds a file of a row. It changes with the file, so that no old one is shown. */
export function fileAddress(address: string, field: string, row: { id: string }, file: unknown) {
  return `${env.apiRoot.replace(/\/$/, '')}${address}/download-${field}/${row.id}/#${file}`
}

/** Beside which path the files of a feature are uploaded: they have one for all of its models. */
export function createPathOf(address: string) {
  return `/${address.split('/')[1]}/create/`
}
