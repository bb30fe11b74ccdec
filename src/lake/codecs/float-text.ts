/**
 * Floating-point numbers as PostgreSQL writes them: the shortest digits that lie strictly nearer to
 * the number than to any other one, without an exponent where the number is of a common size.
 *
 * JavaScript takes digits that lie exactly between two numbers, too, if they are read as the right one;
 * only whole numbers above 2^53 can have such.
 *
 * https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-FLOAT
 */

/** From this power of ten on, and below -4, there is an exponent. */
const EXPONENT_FLOAT8 = 15
const EXPONENT_FLOAT4 = 6

export function formatFloat8(value: number): string {
  return special(value) ?? withExponent(shortest8(value), EXPONENT_FLOAT8)
}

export function formatFloat4(value: number): string {
  return special(value) ?? withExponent(shortest4(value), EXPONENT_FLOAT4)
}

function special(value: number): string | null {
  if (Number.isFinite(value)) return value === 0 ? (Object.is(value, -0) ? '-0' : '0') : null
  return String(value)
}

/** In exponential notation: `-1.25e+3`. */
function shortest8(value: number): string {
  const text = value.toExponential()
  if (Math.abs(value) < 2 ** 53) return text
  let longer = text
  for (let digits = digitsOf(text).length; isBetween(value, longer); digits++) {
    longer = value.toExponential(digits)
  }
  return longer
}

/** Whether the digits lie exactly between the number and one beside it. */
function isBetween(value: number, text: string): boolean {
  const exact = BigInt(Math.abs(value))
  const digits = digitsOf(text)
  const exponent = Number(text.slice(text.indexOf('e') + 1))
  const zeros = exponent - digits.length + 1
  if (zeros < 0) return false
  const written = BigInt(digits) * 10n ** BigInt(zeros)
  const distance = written > exact ? written - exact : exact - written
  return 2n * distance === 2n ** BigInt(exact.toString(2).length - 53)
}

function digitsOf(text: string): string {
  return text.slice(0, text.indexOf('e')).replace(/[-.]/g, '')
}

function shortest4(value: number): string {
  const bounds = boundsOf(value)
  for (let digits = 0; digits < 8; digits++) {
    const text = rounded(value, digits)
    if (isWithin(Number(text), bounds)) return text
    // Below a power of two the numbers are closer, so the nearest digits may be too far below.
    const above = nextDigits(text)
    if (isWithin(Number(above), bounds)) return above
  }
  return value.toExponential(8)
}

/** A tie goes to the even digit. */
function rounded(value: number, digits: number): string {
  const text = value.toExponential(digits)
  const longer = value.toExponential(digits + 1)
  const [mantissa = '', exponent = ''] = longer.split('e')
  if (!mantissa.endsWith('5') || Number(longer) !== value) return text
  const down = mantissa.slice(0, -1).replace(/\.$/, '')
  return Number(down.at(-1)) % 2 === 0 ? `${down}e${exponent}` : text
}

function nextDigits(text: string): string {
  const digits = digitsOf(text)
  const exponent = Number(text.slice(text.indexOf('e') + 1)) - digits.length + 1
  const sign = text.startsWith('-') ? '-' : ''
  return Number(`${sign}${Number(digits) + 1}e${exponent}`).toExponential(digits.length - 1)
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** Half the way to the numbers beside it, exactly: a double holds that. */
function boundsOf(value: number): { below: number; above: number } {
  float[0] = Math.abs(value)
  bits[0]!++
  const next = Number.isFinite(float[0]) ? float[0] : 2 ** 128
  bits[0]! -= 2
  const previous = float[0]
  const size = Math.abs(value)
  return { below: (size + previous) / 2, above: (size + next) / 2 }
}

function isWithin(value: number, { below, above }: ReturnType<typeof boundsOf>): boolean {
  const size = Math.abs(value)
  return size > below && size < above
}

function withExponent(text: string, from: number): string {
  const [mantissa = '', power = ''] = text.split('e')
  const exponent = Number(power)
  const sign = mantissa.startsWith('-') ? '-' : ''
  const digits = mantissa.replace('-', '').replace('.', '').replace(/0+$/, '')
  if (exponent < -4 || exponent >= from) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : ''
    const size = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${size}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0')
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
}
