/** What the API answers with for every row, whatever else there is. */
export interface BaseRow {
  id: string
  created_at: string
  updated_at: string
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

/** One field of a form, and how its value is shown. */
export interface Field {
  /** As in the API. */
  name: string
  label: string
  type: FieldType
  required?: boolean
  maxLength?: number
  /** What may be chosen. */
  choices?: readonly string[]
  /** Of a "ref": whose rows may be chosen, and which member of the row has the text to show. */
  of?: CrudApi
  shows?: string
  /** Also in the list. */
  listed?: boolean
  /** The list can be in its order. */
  sortable?: boolean
}
