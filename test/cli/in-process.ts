import { vi } from 'vitest';
import { main } from '../../cli/main.ts';
import type { Ended } from './support.ts';

/** The command in this process, for what needs no process of its own: above all, what it refuses before it asks AWS. */
export async function mainHere(...args: string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    return { code: await main(args), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
