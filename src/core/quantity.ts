/** Sizes and times as people read them, in log lines, messages and on the screen. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `980 B`, `1.2 GiB`: three digits are enough to judge a size. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // From 999.5 on it would be rounded to four digits.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`
}

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return twoUnits(seconds, 60, ['min', 's'])
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return twoUnits(minutes, 60, ['h', 'min'])
  return twoUnits(Math.round(minutes / 60), 24, ['d', 'h'])
}

function twoUnits(amount: number, size: number, [big, small]: readonly [string, string]): string {
  const rest = amount % size
  const whole = `${Math.floor(amount / size)} ${big}`
  return rest === 0 ? whole : `${whole} ${rest} ${small}`
}
