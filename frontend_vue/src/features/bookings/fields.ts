import { describe } from '@/crud/values'

import { instruments } from './api'
import { t } from './locales'

export const bookingFields = describe(t, [
  { name: 'purpose', type: 'string', required: true, maxLength: 200, listed: true, sortable: true },
  {
    name: 'instrument',
    type: 'ref',
    required: true,
    of: instruments,
    shows: 'instrument_name',
    listed: true,
  },
  { name: 'period_start', type: 'datetime', required: true, listed: true, sortable: true },
  { name: 'period_end', type: 'datetime', required: true, listed: true },
  {
    name: 'state',
    type: 'choice',
    choices: ['state.requested', 'state.confirmed', 'state.used'],
    required: true,
    initial: 'requested',
    listed: true,
    sortable: true,
  },
  { name: 'guests', type: 'int', required: true, initial: '0' },
  { name: 'supervised', type: 'bool' },
  { name: 'reminder', type: 'datetime' },
  { name: 'remarks', type: 'text', maxLength: 10_000 },
])

export const instrumentFields = describe(t, [
  { name: 'title', type: 'string', required: true, maxLength: 200, listed: true, sortable: true },
  {
    name: 'inventory',
    type: 'slug',
    required: true,
    maxLength: 80,
    listed: true,
    sortable: true,
  },
  { name: 'picture', type: 'image', shows: 'picture_name' },
  {
    name: 'hourly_rate',
    type: 'decimal',
    decimals: 2,
    required: true,
    initial: '0',
    listed: true,
    sortable: true,
  },
  { name: 'alternatives', type: 'many', of: instruments, shows: 'alternatives_names' },
  { name: 'precision', type: 'float' },
  { name: 'acquired', type: 'date' },
  { name: 'website', type: 'url', maxLength: 500 },
  { name: 'contact', type: 'email', maxLength: 254 },
  { name: 'manual', type: 'file', shows: 'manual_name' },
  { name: 'specification', type: 'json' },
])
