/** Numbers, sizes and times as people read them. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `1,234,567` */
export function whole(value: number): string {
  return WHOLE.format(value)
}

/** `987`, `12.3 k`, `4.56 M`: three digits that matter. */
export function short(value: number): string {
  return scaled(value, { base: 1000, units: ['', ' k', ' M', ' G', ' T'] })
}

/** `512 B`, `1.50 MiB` */
export function bytes(value: number): string {
  return scaled(value, { base: 1024, units: [' B', ' KiB', ' MiB', ' GiB', ' TiB'] })
}

/** `0 s`, `0.4 s`, `12 s`, `5 min`, `2 h 10 min`, `3 d 4 h` */
export function duration(seconds: number): string {
  if (seconds < 0.05) return '0 s'
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min')
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** A figure beside an axis: `5 s`, where a running figure would be `5.0 s`. */
export function withoutZeros(text: string): string {
  return text.replace(/\.0+(?=\D|$)/, '')
}

/** How long ago `then` was, by the clock of the task. */
export function ago(then: number, now: number): string {
  const seconds = Math.floor((now - then) / 1000)
  if (seconds < 2) return 'just now'
  return seconds < 60 ? `${seconds} s ago` : `${duration(seconds)} ago`
}

/** `14:03:07`, in the time of the reader. */
export function clockTime(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}

function scaled(value: number, scale: { base: number; units: readonly string[] }): string {
  let rest = value
  let unit = 0
  // 999.5 would be shown as 1000.
  while (rest >= scale.base - 0.5 && unit < scale.units.length - 1) {
    rest /= scale.base
    unit += 1
  }
  return `${digits(rest, unit === 0)}${scale.units[unit] ?? ''}`
}

function digits(value: number, isWhole: boolean): string {
  if (isWhole) return String(Math.round(value))
  if (value < 9.995) return value.toFixed(2)
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0)
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}
