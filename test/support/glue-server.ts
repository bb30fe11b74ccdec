/**
 * A stand-in for the Glue Data Catalog: databases, tables with versions, partitions.
 *
 * It speaks the JSON 1.1 protocol and keeps what it is given. Behaviours, from the API's reference
 * (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog.html), all `doc`: what is missing
 * is EntityNotFoundException, what is there AlreadyExistsException, an update that names another
 * version than the present one ConcurrentModificationException; BatchCreatePartition reports each
 * failure in `Errors`. Anything else is refused.
 */

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

interface StoredTable {
  readonly version: number
  readonly input: Readonly<Record<string, unknown>>
  readonly partitions: Set<string>
}

export interface GlueServer extends AsyncDisposable {
  readonly url: string
  readonly tables: Map<string, StoredTable>
  /** Names of the calls, in order. */
  readonly calls: string[]
  /** Runs before the next update takes effect, as another client of the catalog would. */
  beforeUpdate: (() => void) | null
}

interface Request {
  readonly DatabaseName?: string
  readonly Name?: string
  readonly TableName?: string
  readonly VersionId?: string
  readonly DatabaseInput?: { readonly Name: string }
  readonly TableInput?: { readonly Name: string }
  readonly PartitionInputList?: readonly { readonly Values: readonly string[] }[]
}

class Refusal extends Error {}

export async function startGlueServer(): Promise<GlueServer> {
  const databases = new Set<string>()
  const tables = new Map<string, StoredTable>()
  const calls: string[] = []
  const answer = (call: string, request: Request): object => {
    switch (call) {
      case 'GetDatabase':
        return databases.has(request.Name!) ? { Database: { Name: request.Name } } : missing()
      case 'CreateDatabase':
        databases.add(request.DatabaseInput!.Name)
        return {}
      case 'GetTable': {
        const table = tables.get(request.Name!)
        return table ? { Table: { ...table.input, VersionId: String(table.version) } } : missing()
      }
      case 'CreateTable': {
        if (!databases.has(request.DatabaseName!)) return missing()
        const input = { ...request.TableInput! }
        if (tables.has(input.Name)) throw new Refusal('AlreadyExistsException')
        tables.set(input.Name, { version: 0, input, partitions: new Set() })
        return {}
      }
      case 'UpdateTable': {
        server.beforeUpdate?.()
        server.beforeUpdate = null
        const input = { ...request.TableInput! }
        const table = tables.get(input.Name) ?? missing()
        if (request.VersionId !== String(table.version)) {
          throw new Refusal('ConcurrentModificationException')
        }
        tables.set(input.Name, { ...table, version: table.version + 1, input })
        return {}
      }
      case 'BatchCreatePartition': {
        const { partitions } = tables.get(request.TableName!) ?? missing()
        const Errors = request.PartitionInputList!.flatMap(({ Values }) => {
          const isNew = !partitions.has(Values.join('/'))
          partitions.add(Values.join('/'))
          const ErrorDetail = { ErrorCode: 'AlreadyExistsException', ErrorMessage: 'is there' }
          return isNew ? [] : [{ PartitionValues: Values, ErrorDetail }]
        })
        return { Errors }
      }
      default:
        throw new Refusal('UnknownOperationException')
    }
  }
  const http = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const call = String(request.headers['x-amz-target']).replace('AWSGlue.', '')
      calls.push(call)
      try {
        const answered = JSON.stringify(answer(call, body))
        response.setHeader('content-type', 'application/x-amz-json-1.1').end(answered)
      } catch (error) {
        const name = error instanceof Refusal ? error.message : 'InternalServiceException'
        response.statusCode = 400
        response.end(JSON.stringify({ __type: name, message: 'refused' }))
      }
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = http.address() as AddressInfo
  const server: GlueServer = {
    url: `http://127.0.0.1:${port}`,
    tables,
    calls,
    beforeUpdate: null,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}

function missing(): never {
  throw new Refusal('EntityNotFoundException')
}

async function bodyOf(request: IncomingMessage): Promise<Request> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the client sends
  return JSON.parse(text) as Request
}
