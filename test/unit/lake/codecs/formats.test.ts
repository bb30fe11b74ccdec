/** The formats of data files, each against the suite for all of them. */

import { dataFormatContract } from '../../../contract/data-format.ts'

dataFormatContract({ format: 'csv' })
dataFormatContract({ format: 'csv.gz' })
dataFormatContract({ format: 'parquet' })
dataFormatContract({
  format: 'parquet',
  parquet: { arrays: 'lists', types: 'full', unfit: 'error' },
})
