import type { Failure, Result } from '../ports.ts';

/** Half an answer proves nothing: the first failed read ends the look, and is its answer. */
class ReadFailed extends Error {
  override readonly name = 'ReadFailed';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export async function reading<T>(look: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await look() };
  } catch (error) {
    if (error instanceof ReadFailed) return error.failure;
    throw error;
  }
}

export function read<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new ReadFailed(result);
}
