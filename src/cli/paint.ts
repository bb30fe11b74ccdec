/** Colour, where somebody looks who can see it: a terminal, and no NO_COLOR (https://no-color.org). */

import { inspect } from 'node:util'

export type Colour = 'bold' | 'cyan' | 'dim' | 'green' | 'red' | 'yellow'
export type Paint = (colour: Colour, text: string) => string

export function painter(hasColour: boolean): Paint {
  // `styleText` would look at the process by itself, and in Node 20 never at the right stream.
  return hasColour ? paint : (_, text) => text
}

function paint(colour: Colour, text: string): string {
  const [on, off] = inspect.colors[colour] ?? [0, 0]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

export function wantsColour(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}
