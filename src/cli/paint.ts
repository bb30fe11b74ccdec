/** Colour, where somebody looks who can see it: a terminal, and no NO_COLOR (https://no-color.org). */

import { styleText } from 'node:util'

export type Colour = 'bold' | 'cyan' | 'dim' | 'green' | 'red' | 'yellow'
export type Paint = (colour: Colour, text: string) => string

export function painter(hasColour: boolean): Paint {
  return hasColour ? styleText : (_, text) => text
}

export function wantsColour(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}
