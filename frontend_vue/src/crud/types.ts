/** What the API answers with for every row, whatever else there is. */
export interface BaseRow {
  id: string
  created_at: string
  updated_at: string
  /** Of rows that everybody sees: whether this caller may change it. */
  may_change?: boolean
}

export interface Page<Row> {
  count: number
  page: number
  page_size: number
  pages: number
  results: Row[]
}

export interface RowQuery {
  page?: number
  page_size?: number
  search?: string
  ordering?: string
}

/** The calls for one model, and where its pages are. Each throws ApiError. */
export interface CrudApi<Row = BaseRow, Input = unknown> {
  /** Where its pages begin: "/shop/categories". */
  address: string
  /** What a row is called: "category", "categories". */
  one: string
  many: string
  /** What a row is known by. */
  title(row: Row): string
  list(query: RowQuery, signal?: AbortSignal): Promise<Page<Row>>
  get(id: string, signal?: AbortSignal): Promise<Row>
  create(input: Input): Promise<Row>
  update(id: string, input: Input): Promise<Row>
  remove(id: string): Promise<unknown>
}

export type FieldType =
  | 'string'
  | 'text'
  | 'slug'
  | 'int'
  | 'decimal'
  | 'float'
  | 'bool'
  | 'date'
  | 'datetime'
  | 'url'
  | 'email'
  | 'choice'
  | 'ref'
  | 'many'
  | 'file'
  | 'image'
  | 'json'

/** One of what may be chosen, and what people call it. */
export interface Choice {
  value: string
  label: string
}

/** One field of a form, and how its value is shown. */
export interface Field {
  /** As in the API. */
  name: string
  label: string
  type: FieldType
  required?: boolean
  maxLength?: number
  /** Digits after the point, of a "decimal". */
  decimals?: number
  /** What a form begins with. */
  initial?: string | boolean
  /** What may be chosen; a word without a label is its own. */
  choices?: readonly (string | Choice)[]
  /** Of a "ref", and of "many": whose rows may be chosen. */
  of?: CrudApi
  /** Which member of the row has the text to show: of these, and of files. */
  shows?: string
  /** Also in the list. */
  listed?: boolean
  /** The list can be in its order. */
  sortable?: boolean
}
