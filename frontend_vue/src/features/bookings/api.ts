import { api, unwrap } from '@/api/client'
import type { components, operations } from '@/api/schema'
import type { CrudApi } from '@/crud/types'

import { t } from './locales'

export type Booking = components['schemas']['Booking']
type BookingInput = components['schemas']['BookingRequest']
type BookingQuery = operations['bookings_list']['parameters']['query']

export type Instrument = components['schemas']['Instrument']
type InstrumentInput = components['schemas']['InstrumentRequest']
type InstrumentQuery = operations['bookings_instrument_list']['parameters']['query']

const at = (id: string) => ({ params: { path: { id } } })

export const bookings: CrudApi<Booking, BookingInput> = {
  address: '/bookings',
  get one() {
    return t('Booking.one')
  },
  get many() {
    return t('Booking.many')
  },
  title: (row) => row.purpose,
  list: (query, signal) =>
    unwrap(
      api.GET('/bookings/list/', {
        params: { query: query as BookingQuery },
        signal,
      }),
    ),
  get: (id, signal) => unwrap(api.GET('/bookings/detail/{id}/', { ...at(id), signal })),
  create: (body) => unwrap(api.POST('/bookings/create/', { body })),
  update: (id, body) => unwrap(api.PATCH('/bookings/update/{id}/', { ...at(id), body })),
  remove: (id) => unwrap(api.DELETE('/bookings/delete/{id}/', at(id))),
}

export const instruments: CrudApi<Instrument, InstrumentInput> = {
  address: '/bookings/instruments',
  get one() {
    return t('Instrument.one')
  },
  get many() {
    return t('Instrument.many')
  },
  title: (row) => row.title,
  list: (query, signal) =>
    unwrap(
      api.GET('/bookings/instruments/list/', {
        params: { query: query as InstrumentQuery },
        signal,
      }),
    ),
  get: (id, signal) => unwrap(api.GET('/bookings/instruments/detail/{id}/', { ...at(id), signal })),
  create: (body) => unwrap(api.POST('/bookings/instruments/create/', { body })),
  update: (id, body) =>
    unwrap(api.PATCH('/bookings/instruments/update/{id}/', { ...at(id), body })),
  remove: (id) => unwrap(api.DELETE('/bookings/instruments/delete/{id}/', at(id))),
}
