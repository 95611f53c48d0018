/** What can be said: of a drain, and of a rollout. */
export type Severity = 'info' | 'warning' | 'critical';
export type DrainAlertKind = keyof typeof DRAIN_KINDS;
export type RolloutAlertKind = keyof typeof ROLLOUT_KINDS;
export type AlertKind = DrainAlertKind | RolloutAlertKind;

/** How bad it is, what it is called, and what to do, the most urgent first. */
type Kind = readonly [Severity, string, readonly string[]];

const DRAIN_KINDS = {
  started: ['info', 'Draining', []],
  drained: ['info', 'Drained', []],
  restored: ['info', 'Back in service:', []],
  cancelled: ['info', 'Drain called off:', []],
  'not-a-container-instance': ['info', 'Nothing to drain on', []],
  noticed: ['info', 'Noticed, nothing done:', ['Drain it by an order if you do not want to wait for AWS.']],
  replacing: ['info', 'Being replaced:', []],
  observed: ['info', 'Observed, nothing done:', ['When this is what you want, turn the switch to act.']],
  resolved: ['info', 'Resolved:', []],
  paused: [
    'warning',
    'Paused:',
    [
      'Turn the switch to act when drains may go on.',
      'To let a single group go on, give it a mode of its own in the switch.',
    ],
  ],
  reactivated: [
    'warning',
    'Set ACTIVE by somebody, drained again:',
    ['Find out who set it ACTIVE, and why: its group takes it away all the same.'],
  ],
  misconfigured: ['warning', 'The switch cannot be read:', ['Mend the SSM parameter of the switch.']],
  stuck: [
    'warning',
    'Stuck: draining',
    [
      'Once the cause is gone, the drain goes on by itself.',
      'If it cannot be helped before the deadline, move what must not be cut off by hand.',
    ],
  ],
  'hook-gone': [
    'warning',
    'No longer held by its hook:',
    ['Find out who completed the action or removed the hook.', 'Look whether tasks were cut off.'],
  ],
  forced: [
    'critical',
    'Forced: taken away with tasks on it:',
    [
      'Look at the services whose tasks were cut off.',
      'Remove what kept them, or allow more time, before the next drain.',
    ],
  ],
  failed: ['critical', 'Failed:', ['Look at the instance: nobody drains it any more.']],
} as const satisfies Record<string, Kind>;

/**
 * `{rollout}` stands for the name by which the commands know the rollout, `{source}` for what they order another by, and
 * `{place}` for the options that name region and stack. A command ends its step, without a full stop to be copied along.
 */
const ORDER_AGAIN = 'ecs-drain rollout start {source} --because WHY {place}';
const ROLLOUT_KINDS = {
  'image-available': [
    'info',
    'New image:',
    ['To keep it from being rolled out: ecs-drain rollout reject {rollout} {place}'],
  ],
  'rollout-started': ['info', 'Rollout begun:', []],
  'rollout-done': ['info', 'Rolled out:', []],
  'rollout-ended': ['info', 'Rollout ended:', []],
  resolved: DRAIN_KINDS.resolved,
  'approval-needed': [
    'warning',
    'Approve or reject:',
    [
      'To have it rolled out: ecs-drain rollout approve {rollout} {place}',
      'To keep it from being rolled out: ecs-drain rollout reject {rollout} {place}',
    ],
  ],
  'fleet-left-alone': [
    'warning',
    'Fleets left alone:',
    [
      `Mend what each line names. To have it rolled out before the next release: ${ORDER_AGAIN}`,
      'Where releases are only to be told of: set the tag ecs-drain:ami to notify.',
    ],
  ],
  'rollout-waiting': [
    'warning',
    'Rollout waits:',
    [
      'Once the cause is gone, it begins by itself; after a day it is given up.',
      'To give it up now: ecs-drain rollout cancel {rollout} {place}',
    ],
  ],
  'rollout-paused': [
    'warning',
    'Rollout paused:',
    [
      'To let it go on: ecs-drain rollout resume {rollout} {place}',
      'To end it and go back: ecs-drain rollout cancel {rollout} {place}',
    ],
  ],
  'rollout-stuck': [
    'warning',
    'Rollout stuck:',
    [
      'Once the cause is gone, it goes on by itself.',
      'To end it and go back: ecs-drain rollout cancel {rollout} {place}',
    ],
  ],
  'rollout-stopped': ['warning', 'Rollout stopped:', [`Remove the cause, then order it again: ${ORDER_AGAIN}`]],
  'rolled-back': [
    'warning',
    'Rolled back:',
    [`Find out what was wrong with the new image before you order it again: ${ORDER_AGAIN}`],
  ],
  'rollout-failed': [
    'critical',
    'Rollout failed:',
    [
      'Look at the fleet: nobody works on it any more, and it may run both images.',
      `Choose the image that it is to keep, and roll it out by hand or by an order: ${ORDER_AGAIN}`,
    ],
  ],
} as const satisfies Record<string, Kind>;

export const KINDS: Readonly<Record<AlertKind, Kind>> = { ...DRAIN_KINDS, ...ROLLOUT_KINDS };
