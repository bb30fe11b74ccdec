/** How many requests an object store was asked for, in the kinds that a bucket charges for. */

export interface RequestCounts {
  readonly puts: number
  readonly gets: number
  /** One for each page of a thousand keys. */
  readonly lists: number
  /** Free of charge. */
  readonly deletes: number
}
