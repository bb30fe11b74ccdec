/**
 * Sees to it that a server does not outlive us, however we end.
 *
 * A handler for signals would not do: nothing runs after SIGKILL, and a library should not decide
 * what a signal means. So a tiny shell waits beside the server for the end of a pipe whose other end
 * only we hold. When we end, for whatever reason, the pipe ends, and the shell stops the server.
 */

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Guard {
  dismiss(): void
}

/** Only a folder with this file in it is ever removed by the guard. */
const THROWAWAY_MARK = 'millrace-throwaway'

// The number is compared with the server's own note, since by then it could belong to anybody.
const SCRIPT = `
read -r _ || true
pid=; read -r pid < "$2/postmaster.pid"
[ "$pid" = "$1" ] && kill -s "$3" "$1"
[ -f "$2/${THROWAWAY_MARK}" ] || exit 0
tries=200; while kill -0 "$1" && [ "$tries" -gt 0 ]; do tries=$((tries - 1)); sleep 0.05; done
rm -rf "$2"
`

export function startGuard(pid: number, dataDir: string, isThrowaway: boolean): Guard {
  if (process.platform === 'win32') return exitHook(pid)
  if (isThrowaway) writeFileSync(join(dataDir, THROWAWAY_MARK), '')
  const signal = isThrowaway ? 'QUIT' : 'INT'
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'guard', String(pid), dataDir, signal], {
    cwd: '/',
    // A group of its own: Ctrl-C in a terminal reaches all of the terminal's group.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  // A pipe to a child is a socket, which would keep us alive. Its type does not say so.
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref()
  return { dismiss: () => void shell.kill('SIGKILL') }
}

function exitHook(pid: number): Guard {
  const stop = () => void process.kill(pid)
  process.once('exit', stop)
  return { dismiss: () => void process.off('exit', stop) }
}
