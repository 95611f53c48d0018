import type { ExecutionRecord } from './execution.ts';
import type { World } from './world.ts';

/** What an execution was started for, as far as it matters here. */
export interface Order {
  /** Of the release that it is, or that it belongs to. */
  readonly release: string;
  /** A family, or the name of a parameter. */
  readonly source: string;
  /** Undefined for a release, which goes by what its source says. */
  readonly imageId: string | undefined;
  /** Only these, by id, where somebody named them. */
  readonly fleets: readonly string[] | undefined;
}

/** What people last said of a release. */
export interface Word {
  readonly isApproved: boolean;
  /** Since when it is paused; undefined where it is not. */
  readonly pausedSinceSeconds: number | undefined;
}

export interface Words {
  orderOf(execution: string | undefined): Order | undefined;
  wordOf(release: string | undefined): Word;
}

/** Where people's records are, each under the name of its release: written out once more here, on purpose. */
const RECORDS = '/ecs-drain/rollouts/';
const NOTHING: Word = { isApproved: false, pausedSinceSeconds: undefined };

/** Follows what people say of each release, and knows what its executions were started for. */
export function watchWords(
  world: World,
  there: {
    readonly parameter: (name: string) => string | undefined;
    readonly executions: () => readonly ExecutionRecord[];
  },
): Words {
  const words = new Map<string, Word>();

  world.on((event) => {
    if (event.kind !== 'parameter' || !event.name.startsWith(RECORDS)) return;
    const release = event.name.slice(RECORDS.length);
    const { word, approved } = JSON.parse(there.parameter(event.name) ?? '{}');
    const since = words.get(release)?.pausedSinceSeconds ?? world.clock.nowSeconds();
    words.set(release, {
      isApproved: word === 'approve' || approved === true,
      pausedSinceSeconds: word === 'pause' ? since : undefined,
    });
  });

  return {
    orderOf(execution) {
      const input = there.executions().find(({ name }) => name === execution)?.input;
      if (execution === undefined || input === undefined) return undefined;
      const { kind, release, source, imageId, fleets } = JSON.parse(input);
      return { release: kind === 'fleet' ? release : execution, source, imageId, fleets };
    },
    wordOf: (release = '') => words.get(release) ?? NOTHING,
  };
}
