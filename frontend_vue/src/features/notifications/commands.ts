import { Bell } from '@lucide/vue'

import type { Command } from '@/ui/commands'

import { t } from './locales/first'

export default (): Command[] => [
  { id: '/notifications', title: t('title'), icon: Bell, to: '/notifications' },
]
