/** A store that plays a bucket. */

import type { ObjectStore } from '../../src/core/object-store.ts'

export const BUCKET = 's3://millrace-test'

export function bucketOf(store: ObjectStore): ObjectStore {
  return {
    url: BUCKET,
    put: (key, body, options) => store.put(key, body, options),
    get: (key) => store.get(key),
    read: (key) => store.read(key),
    list: (prefix, after) => store.list(prefix, after),
    delete: (key) => store.delete(key),
    localPath: () => null,
  }
}
