import { computed, ref, watch } from 'vue'

/** The columns of a list beside the name, in their order, with their widths on a wide window. */
export const COLUMNS = {
  file: 'minmax(0, 3fr)',
  size: '5.5rem',
  created: '8rem',
  finished: '8rem',
  duration: '7rem',
  attempts: '5.5rem',
  details: 'minmax(0, 4fr)',
  status: '7.5rem',
} as const
export type Column = keyof typeof COLUMNS
export const COLUMN_NAMES = Object.keys(COLUMNS) as Column[]

const USUAL: Column[] = ['details', 'status']
const KEY = 'columns'

function stored(): Column[] {
  try {
    const text = localStorage.getItem(KEY)
    if (text !== null) return COLUMN_NAMES.filter((name) => text.split(',').includes(name))
  } catch {
    // Storage is blocked: the choice lasts until the page is left.
  }
  return USUAL
}

/**
 * The columns that lists show. They are of this browser, as the theme is, and not of the address:
 * how much fits depends on the screen, and who is sent a list has columns of their own.
 */
export const columns = ref(stored())
watch(columns, (names) => {
  try {
    if (names.join() === USUAL.join()) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, names.join())
  } catch {
    // See stored().
  }
})

export const hasOwnColumns = computed(() => columns.value.join() !== USUAL.join())

export function toggleColumn(name: Column): void {
  columns.value = COLUMN_NAMES.filter((one) => columns.value.includes(one) !== (one === name))
}

/** As `grid-template-columns` of the rows: the name, the chosen columns, the row's menu. */
export const columnWidths = computed(() =>
  ['minmax(0, 5fr)', ...columns.value.map((name) => COLUMNS[name]), '1.25rem'].join(' '),
)
