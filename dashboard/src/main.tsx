/** Puts the page up and begins to ask the server. */

import { render } from 'preact'

import { App } from './app.tsx'
import { poll } from './store.ts'

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
void poll()
