import type { Result } from '../ports.ts';
import type { Control } from './control.ts';
import { readControl } from './control.ts';
import type { ParametersPort } from './ports.ts';

/** What people last said of the release's rollout; nothing, where nobody has said anything. */
export async function readRecord(
  release: string,
  ports: { readonly parameters: ParametersPort; controlParameter(release: string): string },
): Promise<Result<{ readonly control?: Control; readonly mistake?: string }>> {
  const found = await ports.parameters.readParameters([ports.controlParameter(release)]);
  if (!found.ok) return found;
  const [parameter] = found.value;
  if (parameter === undefined) return { ok: true, value: {} };
  const control = readControl(parameter.value);
  return { ok: true, value: 'mistake' in control ? { mistake: control.mistake } : { control } };
}
