import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  nextTaskState,
  type TaskPhase,
  taskSentence,
  type TaskState,
  type TaskTransition,
} from '../../../src/task/state.ts'

describe('the life of a task', () => {
  const cases: [TaskState, TaskTransition, TaskState | null][] = [
    ['starting', 'started', 'running'],
    ['starting', 'stop', 'stopping'],
    ['starting', 'failed', 'failed'],
    ['running', 'stop', 'stopping'],
    ['running', 'ended', 'stopped'],
    ['running', 'start', null],
    ['stopping', 'started', 'stopping'],
    ['stopping', 'ended', 'stopped'],
    ['stopping', 'failed', 'failed'],
    ['stopped', 'start', 'starting'],
    ['stopped', 'started', null],
    ['failed', 'ended', 'failed'],
    ['failed', 'start', 'starting'],
  ]
  for (const [state, transition, expected] of cases) {
    test(`${state} answers "${transition}" with ${expected ?? 'a bug'}`, () => {
      assert.equal(nextTaskState(state, transition), expected)
    })
  }
})

describe('the sentence of a task', () => {
  const cases: [TaskState, TaskPhase, boolean, string][] = [
    ['starting', 'loading', false, 'Starting'],
    ['running', 'loading', false, 'Full load in progress, replication ongoing'],
    ['running', 'replicating', false, 'Load complete, replication ongoing'],
    ['running', 'replicating', true, 'Load complete, replication ongoing, with errors'],
    ['running', 'following', false, 'Replication ongoing'],
    ['running', 'loaded', false, 'Load complete'],
    ['running', 'retrying', false, 'Replication interrupted, trying again'],
    ['stopping', 'replicating', false, 'Stopping'],
    ['stopped', 'replicating', true, 'Stopped'],
    ['stopped', 'loaded', false, 'Load complete, stopped'],
    ['failed', 'loading', true, 'Failed'],
  ]
  for (const [state, phase, hasErrors, sentence] of cases) {
    test(`${state}, ${phase}${hasErrors ? ', errors' : ''}: "${sentence}"`, () => {
      assert.equal(taskSentence(state, phase, hasErrors), sentence)
    })
  }
})
