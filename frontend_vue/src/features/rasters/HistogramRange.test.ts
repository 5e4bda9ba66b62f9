import { mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { nextTick } from 'vue'

import type { RasterBand } from './api'
import HistogramRange from './HistogramRange.vue'

test.each([
  ['300', '10'], // beyond the other end
  ['', '10'], // no number
  ['10.4', '10'], // of whole numbers the one that it is already
  ['20', '20'],
])('a field where %s was typed shows what is true: %s', async (typed, shown) => {
  const band = { dtype: 'uint8', histogram: null } as unknown as RasterBand
  const props = { band, title: 'Band 1', scale: 'linear', modelValue: [10, 200] } as const
  const page = mount(HistogramRange, {
    props: {
      ...props,
      'onUpdate:modelValue': (modelValue: unknown) => page.setProps({ modelValue } as never),
    } as never,
  })
  const field = page.get<HTMLInputElement>('input')
  await field.setValue(typed)
  await field.trigger('change')
  await nextTick()
  expect(field.element.value).toBe(shown)
})
