import { FileUp, Grid2x2 } from '@lucide/vue'

import { rasters } from './api'
import { t } from './locales'

/** What the command palette offers on every page. */
export default () => [
  {
    id: `upload:${rasters.feature}`,
    title: t('command.upload'),
    icon: FileUp,
    to: '/rasters#upload',
  },
  { id: '/mosaics', title: t('mosaics'), icon: Grid2x2, to: '/mosaics' },
]
