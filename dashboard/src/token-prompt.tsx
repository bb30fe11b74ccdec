/** Asks for the token of the server. It is kept until the tab is closed. */

import { useRef } from 'preact/hooks'

import { isTokenRefused, useToken } from './store.ts'

export function TokenPrompt() {
  const field = useRef<HTMLInputElement>(null)
  return (
    <main class="page waiting">
      <form
        class="card token"
        onSubmit={(event) => {
          event.preventDefault()
          if (field.current?.value) useToken(field.current.value)
        }}
      >
        <h1>This task is locked</h1>
        <p class="sub">
          Enter the token that stands at <code>server.token</code> in its configuration.
        </p>
        <label for="token">Token</label>
        <input id="token" ref={field} type="password" autocomplete="off" required autofocus />
        {isTokenRefused.value && (
          <p class="tone-bad" role="alert">
            The server does not know this token.
          </p>
        )}
        <button type="submit">Open</button>
      </form>
    </main>
  )
}
