import type { DrainPolicy } from '../config.ts';
import { readSwitch } from '../drain/switch.ts';
import type { Failure } from '../ports.ts';
import type { Group, Hook } from './hooks.ts';
import { clusterIn, isOurs, MANAGED_DRAINING_HOOK, MOST_HOOKS, TERMINATING, withCluster } from './hooks.ts';
import type { Stack } from './stack.ts';

/**
 * The hook's heartbeat where nothing else is asked for, in seconds. It is not the drain's deadline, which is ours: each
 * drain sends heartbeats at half of it. It bounds two other things: how late a notice may come (Lambda tries again after
 * one minute and after two more), and how long an instance waits in vain if nothing of ours works. Ten minutes leave room
 * for both, are longer than nearly every stop timeout, and let the hook live for 100 × 600 s, 16 h 40 min (AWS-CONTRACTS §1).
 */
export const DEFAULT_HEARTBEAT_SECONDS = 600;
/** Below this, a notice that Lambda had to try twice more (60 s and 120 s later, AWS-CONTRACTS §2) comes after the hook's end. */
export const SHORTEST_HEARTBEAT_SECONDS = 180;

/** What an operator asks for. What is undefined stays as an attached hook has it, and has a default in a new one. */
export interface AttachWish {
  readonly hook: string;
  readonly heartbeatSeconds?: number | undefined;
  readonly defaultResult?: 'CONTINUE' | 'ABANDON' | undefined;
  readonly cluster?: string | undefined;
}

export interface AttachSeen {
  readonly group: Group;
  readonly hooks: readonly Hook[];
  /** The clusters that the group's instances are registered in; not looked for where the operator names one. */
  readonly clusters: readonly string[] | Failure | undefined;
}

/** One member of a hook; `before` is undefined where there is none. */
export interface Change {
  readonly field: 'target' | 'role' | 'heartbeat' | 'default result' | 'metadata';
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What a command is about to do to one group. Nothing else of the group is touched. */
export interface Plan {
  readonly group: string;
  readonly hook: string;
  readonly action: 'create' | 'change' | 'delete' | 'none' | 'refused';
  /** Empty unless something changes. */
  readonly changes: readonly Change[];
  /** Of a refusal, and of a plan that changes nothing. */
  readonly because: string;
  /** The hooks of the group when this was planned, and those of them that stay as they are. */
  readonly hooks: readonly Hook[];
  readonly foreign: readonly Hook[];
  /** What whoever decides should know. */
  readonly notes: readonly string[];
}

export interface AttachPlan extends Plan {
  /** The hook as it is to be. */
  readonly wanted?: Hook;
}

/** What attaching would change, and why it would not. Pure. */
export function planAttach(stack: Stack, wish: AttachWish, seen: AttachSeen): AttachPlan {
  const { group, hooks } = seen;
  const old = hooks.find(({ name }) => name === wish.hook);
  const foreign = hooks.filter((hook) => hook !== old);
  const plan = { group: group.name, hook: wish.hook, changes: [], because: '', hooks, foreign, notes: [] } as const;
  const refusal = whyNot(stack, old, foreign);
  if (refusal !== undefined) return { ...plan, action: 'refused', because: refusal, foreign: hooks };

  const { metadata, note } = metadataOf(wish, old, seen.clusters);
  const wanted: Hook = {
    name: wish.hook,
    transition: TERMINATING,
    targetArn: stack.lifecycleTopicArn,
    roleArn: stack.hookRoleArn,
    heartbeatSeconds: wish.heartbeatSeconds ?? old?.heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS,
    globalTimeoutSeconds: 0,
    defaultResult: wish.defaultResult ?? old?.defaultResult ?? 'CONTINUE',
    metadata,
  };
  const changes = changesBetween(old, wanted);
  const notes = [...note, ...warnings(wanted, foreign)];
  if (changes.length === 0) return { ...plan, action: 'none', because: 'it is attached already', notes };
  return { ...plan, action: old === undefined ? 'create' : 'change', changes, notes, wanted };
}

function whyNot(stack: Stack, old: Hook | undefined, others: readonly Hook[]): string | undefined {
  if (old !== undefined && !isOurs(old, stack)) {
    return old.targetArn === undefined
      ? `it has a hook ${old.name} that is not ours: choose another name with --hook`
      : `it has a hook ${old.name} that is not ours (it tells ${old.targetArn}): choose another name with --hook`;
  }
  if (old !== undefined && old.transition !== TERMINATING) {
    return `its hook ${old.name} is for ${old.transition}: choose another name with --hook`;
  }
  const twin = others.find((hook) => isOurs(hook, stack) && hook.transition === TERMINATING);
  if (twin !== undefined) {
    return `it is attached already by its hook ${twin.name}, and two would drain each instance twice: say --hook ${twin.name} to change that one`;
  }
  if (old === undefined && others.length >= MOST_HOOKS) {
    return `it has ${others.length} hooks, and AWS allows ${MOST_HOOKS} for each group`;
  }
  return undefined;
}

/** Naming the cluster saves each drain looking through all of them; a wrong name costs one look more. */
function metadataOf(
  wish: AttachWish,
  old: Hook | undefined,
  found: AttachSeen['clusters'],
): { metadata: string | undefined; note: readonly string[] } {
  const before = old?.metadata;
  const named = clusterIn(before);
  const put = (cluster: string | undefined) => (cluster === named ? before : withCluster(before, cluster));
  if (wish.cluster !== undefined) return { metadata: put(wish.cluster), note: [] };
  if (found === undefined) return { metadata: before, note: [] };
  if ('ok' in found) {
    const note = `which cluster its instances are in could not be read (${found.operation}: ${found.message})`;
    return {
      metadata: before,
      note: [`${note}: ${named === undefined ? 'the hook names none' : 'what the hook names stays'}`],
    };
  }
  const [first, ...more] = found;
  if (first === undefined) {
    const note = 'none of its instances is registered in an ECS cluster now: is it the right group?';
    return { metadata: before, note: [note] };
  }
  if (more.length === 0) return { metadata: put(first), note: [] };
  const note = `its instances are in ${found.length} clusters (${found.join(', ')}): the hook names none, and each drain looks`;
  return { metadata: put(undefined), note: [note] };
}

function changesBetween(old: Hook | undefined, wanted: Hook): Change[] {
  const seconds = (hook: Hook) => `${hook.heartbeatSeconds} s`;
  const all: Change[] = [
    { field: 'target', before: old?.targetArn, after: wanted.targetArn },
    { field: 'role', before: old?.roleArn, after: wanted.roleArn },
    { field: 'heartbeat', before: old && seconds(old), after: seconds(wanted) },
    { field: 'default result', before: old?.defaultResult, after: wanted.defaultResult },
    { field: 'metadata', before: old?.metadata, after: wanted.metadata },
  ];
  return all.filter(({ before, after }) => before !== after);
}

function warnings({ heartbeatSeconds, defaultResult }: Hook, foreign: readonly Hook[]): string[] {
  const notes: string[] = [];
  if (heartbeatSeconds < SHORTEST_HEARTBEAT_SECONDS) {
    notes.push(
      `a heartbeat under ${SHORTEST_HEARTBEAT_SECONDS} s is over before a notice that fails at first is tried again`,
    );
  }
  if (defaultResult === 'ABANDON') {
    notes.push("with ABANDON, a hook that nobody answers ends the group's other hooks too");
  }
  if (foreign.some(({ name }) => name === MANAGED_DRAINING_HOOK)) {
    notes.push('managed draining is on beside it, and each instance waits for both: ecs-drain doctor says more');
  }
  return notes;
}

/** For asking the switch for its mode, which no policy changes. */
export const ANY_POLICY: DrainPolicy = {
  deadlineSeconds: 0,
  stuckAfterSeconds: 0,
  atDeadline: 'CONTINUE',
  spotInterruption: 'notify',
  rebalance: 'notify',
  maintenance: 'notify',
  maintenanceLeadSeconds: 0,
};

/** True when the switch, by its text, lets drains of the group act; undefined: nobody has written one. */
export function mayAct(switchText: string | undefined, group: string): boolean {
  if (switchText === undefined) return true;
  const settings = readSwitch(switchText, group, ANY_POLICY);
  return !('mistakes' in settings) && settings.mode === 'act';
}

/** The switch with the mode `observe`, and all else as it is; its text was read before. */
export function observing(switchText: string | undefined): string {
  return JSON.stringify({ ...JSON.parse(switchText ?? '{}'), mode: 'observe' });
}
