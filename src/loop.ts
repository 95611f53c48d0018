import type { DurablePort } from './ports.ts';

/** The least that a move says of itself: what it is, and why it is made. */
export interface Step {
  readonly kind: string;
  readonly because: string;
}

/** Lets time pass; the one move that is not carried out but waited for. */
export interface Wait extends Step {
  readonly kind: 'wait';
  readonly seconds: number;
}

/** Ends the course; `outcome` is the execution's result. */
export interface Finish<Outcome> extends Step {
  readonly kind: 'finish';
  readonly outcome: Outcome;
}

/**
 * One course of events. `decide` and `remember` are pure: after a crash they are run again over the results that were
 * kept, and must come to the same moves. Only `carryOut` touches the world; it may run twice for one move.
 */
export interface Course<Memory, Move extends Step, Seen, Outcome> {
  decide(memory: Memory): Move | Wait | Finish<Outcome>;
  carryOut(move: Move, memory: Memory): Promise<Seen>;
  remember(memory: Memory, move: Move, seen: Seen): Memory;
  /** After a wait: the only thing known is that at least so many seconds have passed. */
  rest(memory: Memory, wait: Wait): Memory;
}

/**
 * Far more than any course makes, and with a step or a wait each still under Lambda's 3,000 operations for one
 * execution (AWS-CONTRACTS §7): a course that does not end fails loudly and is started again, with an alert.
 */
const MOST_MOVES = 2_500;

/** observe → decide → act → wait, until it is finished: the engine that drains and rollouts share. */
export async function follow<Memory, Move extends Step, Seen, Outcome>(
  course: Course<Memory, Move, Seen, Outcome>,
  start: Memory,
  durable: DurablePort,
): Promise<Outcome> {
  let memory = start;
  for (let moves = 0; moves < MOST_MOVES; moves++) {
    const move = course.decide(memory);
    if (isFinish(move)) {
      durable.log('info', move.because, { move: move.kind, outcome: move.outcome });
      return move.outcome;
    }
    if (isWait(move)) {
      await durable.wait(move.kind, move.seconds);
      memory = course.rest(memory, move);
      continue;
    }
    const seen = await durable.step(move.kind, () => course.carryOut(move, memory));
    durable.log('info', move.because, { move: move.kind, seen });
    memory = course.remember(memory, move, seen);
  }
  throw new Error(`no end after ${MOST_MOVES} moves`);
}

function isFinish<O>(move: Step | Finish<O>): move is Finish<O> {
  return move.kind === 'finish';
}

function isWait(move: Step | Wait): move is Wait {
  return move.kind === 'wait';
}
