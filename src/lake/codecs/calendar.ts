/**
 * PostgreSQL's texts of dates and times as numbers, and back.
 *
 * Dates are days since 1970-01-01 in the proleptic Gregorian calendar, times microseconds, as Parquet
 * has them. Years are astronomical inside: 1 BC is the year 0. Only texts as the server writes them
 * under our settings (ISO dates, UTC) are understood, so that each number has one text.
 */

const [ZERO, NINE, HYPHEN, COLON, DOT, PLUS, SPACE] = [0x30, 0x39, 0x2d, 0x3a, 0x2e, 0x2b, 0x20]
const BC = Buffer.from(' BC')
const DAY_SECONDS = 86_400
const DAYS_PER_ERA = 146_097
const DAYS_TO_1970 = 719_468

/** Reads one text from left to right; `isRight` turns false at what is not as it should be. */
class Scanner {
  #bytes: Buffer = BC
  #at = 0
  #end = 0
  isRight = true
  /** How many digits the number read last has. */
  #digits = 0

  open(bytes: Buffer, start: number, end: number): this {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    this.isRight = true
    return this
  }

  number(minDigits: number, maxDigits: number): number {
    let value = 0
    const start = this.#at
    const limit = Math.min(this.#end, start + maxDigits)
    while (this.#at < limit) {
      const byte = this.#bytes[this.#at]!
      if (byte < ZERO || byte > NINE) break
      value = value * 10 + byte - ZERO
      this.#at++
    }
    this.#digits = this.#at - start
    if (this.#digits < minDigits) this.isRight = false
    return value
  }

  /** Two digits up to a maximum. */
  pair(max: number): number {
    const value = this.number(2, 2)
    if (value > max) this.isRight = false
    return value
  }

  /** A year of four digits, or of more without a zero in front. */
  year(): number {
    const year = this.number(4, 7)
    if (year === 0 || (this.#digits > 4 && year < 10 ** (this.#digits - 1))) this.isRight = false
    return year
  }

  /** The microseconds behind a dot, without a zero at the end; 0 if there is none. */
  fraction(): number {
    if (!this.takes(DOT)) return 0
    const value = this.number(1, 6)
    if (value % 10 === 0) this.isRight = false
    return value * 10 ** (6 - this.#digits)
  }

  takes(byte: number): boolean {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== byte) return false
    this.#at++
    return true
  }

  must(byte: number): void {
    if (!this.takes(byte)) this.isRight = false
  }

  takesBc(): boolean {
    if (this.#end - this.#at !== BC.length) return false
    for (let i = 0; i < BC.length; i++) if (this.#bytes[this.#at + i] !== BC[i]) return false
    this.#at = this.#end
    return true
  }

  isAtEnd(): boolean {
    return this.isRight && this.#at === this.#end
  }
}

const scanner = new Scanner()

/** Where the date stands in the calendar, as far as it was read. */
const date = { year: 0, month: 0, day: 0 }

function scanDate(): void {
  date.year = scanner.year()
  scanner.must(HYPHEN)
  date.month = scanner.pair(12)
  scanner.must(HYPHEN)
  date.day = scanner.pair(31)
}

/** Days since 1970; NaN if the calendar has no such day. */
function daysOf(isBc: boolean): number {
  const { month, day } = date
  const year = isBc ? 1 - date.year : date.year
  if (month === 0 || day === 0 || day > daysInMonth(year, month)) return Number.NaN
  return daysFromCivil(year, month, day)
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Both directions count years from March, by eras of 400 years: the leap day is the last of a year. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const leaps = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * DAYS_PER_ERA + yearOfEra * 365 + leaps + dayOfYear - DAYS_TO_1970
}

/** `null` if the text is no date, or not finite. */
export function parseDate(bytes: Buffer, start: number, end: number): number | null {
  scanner.open(bytes, start, end)
  scanDate()
  const days = daysOf(scanner.takesBc())
  return scanner.isAtEnd() && !Number.isNaN(days) ? days : null
}

/** Seconds since 1970, and the microseconds beyond them. */
export interface Instant {
  readonly seconds: number
  readonly micros: number
}

/** The instant is valid until the next call. `null` if the text is no timestamp, or not finite. */
export function parseTimestamp(
  bytes: Buffer,
  { start, end, hasZone }: { start: number; end: number; hasZone: boolean },
): Instant | null {
  scanner.open(bytes, start, end)
  scanDate()
  scanner.must(SPACE)
  const time = scanTime()
  const micros = scanner.fraction()
  if (hasZone) {
    scanner.must(PLUS)
    if (scanner.number(2, 2) !== 0) scanner.isRight = false
  }
  const days = daysOf(scanner.takesBc())
  if (!scanner.isAtEnd() || Number.isNaN(days)) return null
  instant.seconds = days * DAY_SECONDS + time
  instant.micros = micros
  return instant
}

const instant = { seconds: 0, micros: 0 }

function scanTime(): number {
  const hours = scanner.pair(23)
  scanner.must(COLON)
  const minutes = scanner.pair(59)
  scanner.must(COLON)
  return hours * 3600 + minutes * 60 + scanner.pair(59)
}

const MIDNIGHT = Buffer.from('24:00:00')
export const DAY_MICROS = 86_400_000_000

/** Microseconds since midnight; PostgreSQL has 24:00:00, too. */
export function parseTime(bytes: Buffer, start: number, end: number): number | null {
  if (end - start === MIDNIGHT.length && bytes.compare(MIDNIGHT, 0, 8, start, end) === 0) {
    return DAY_MICROS
  }
  scanner.open(bytes, start, end)
  const seconds = scanTime()
  const micros = scanner.fraction()
  return scanner.isAtEnd() ? seconds * 1_000_000 + micros : null
}

export function formatDate(days: number): string {
  const { text, isBc } = civil(days)
  return isBc ? `${text} BC` : text
}

export function formatTimestamp({ seconds, micros }: Instant, hasZone: boolean): string {
  const days = Math.floor(seconds / DAY_SECONDS)
  const { text, isBc } = civil(days)
  const time = formatTime((seconds - days * DAY_SECONDS) * 1_000_000 + micros)
  return `${text} ${time}${hasZone ? '+00' : ''}${isBc ? ' BC' : ''}`
}

export function formatTime(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000)
  const fraction = micros - seconds * 1_000_000
  const minutes = Math.floor(seconds / 60)
  const time = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`
  if (fraction === 0) return time
  return `${time}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`
}

/** Neighbouring rows often have the same day. */
let lastDay = { days: Number.NaN, text: '', isBc: false }

function civil(days: number): { readonly text: string; readonly isBc: boolean } {
  if (days !== lastDay.days) lastDay = { days, ...civilOf(days) }
  return lastDay
}

function civilOf(days: number): { text: string; isBc: boolean } {
  const shifted = days + DAYS_TO_1970
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const corrected =
    dayOfEra -
    Math.floor(dayOfEra / 1460) +
    Math.floor(dayOfEra / 36_524) -
    Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor(corrected / 365)
  const before = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  const dayOfYear = dayOfEra - before
  const march = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1
  const month = march < 10 ? march + 3 : march - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const isBc = year <= 0
  const shown = String(isBc ? 1 - year : year).padStart(4, '0')
  return { text: `${shown}-${two(month)}-${two(day)}`, isBc }
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
