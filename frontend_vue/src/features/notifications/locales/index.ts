import { catalogue } from '@/i18n/catalogue'

import type en from './en.json'

export const t = catalogue<typeof en>(import.meta.glob('./*.json', { import: 'default' }))
