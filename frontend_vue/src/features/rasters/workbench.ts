import { defineAsyncComponent } from 'vue'

import { withMessages } from '@/ui/lazy'

import RasterMapFailed from './RasterMapFailed.vue'
import RasterMapLoading from './RasterMapLoading.vue'

/** The map with all that belongs to it, loaded when there is a raster to show. */
export default defineAsyncComponent({
  loader: () => withMessages(() => import('./RasterWorkbench.vue')),
  loadingComponent: RasterMapLoading,
  errorComponent: RasterMapFailed,
  delay: 0,
})
