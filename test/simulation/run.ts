import './immediate-zlib.ts'
import { Counters } from './counters.ts'
const { history } = await import('./history.ts')
const first = Number(process.argv[2] ?? 1), count = Number(process.argv[3] ?? 100)
const ko = Object.fromEntries((process.argv[4] ?? '').split(',').filter(Boolean).map((k) => [k, true]))
const trace = process.env['SIM_TRACE'] ? (l: string) => console.log(l) : undefined
Error.stackTraceLimit = process.env['SIM_TRACE'] ? 20 : 0
const total = new Counters(); const codes = new Map<string, string[]>(); const t0 = Date.now()
for (let s = first; s < first + count; s++) {
  const { violation, counters } = await history(s, { knockouts: ko, ...(trace ? { trace } : {}) })
  total.addAll(counters)
  if (violation) { const l = codes.get(violation.code) ?? []; l.push(`${s}: ${violation.message.slice(0, 600)}`); codes.set(violation.code, l) }
}
console.log(count, 'histories', (Date.now() - t0) / 1000, 's'); console.log(String(total))
for (const [c, l] of codes) { console.log(c, l.length); for (const x of l.slice(0, 3)) console.log('   ', x) }
