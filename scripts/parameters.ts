/** A parameter of a CloudFormation template, as far as this stack uses the language. */
export interface Parameter {
  readonly Type: 'String' | 'Number';
  readonly Default?: string | number;
  readonly Description: string;
  readonly AllowedValues?: readonly (string | number)[];
  readonly AllowedPattern?: string;
  readonly MaxLength?: number;
  readonly ConstraintDescription: string;
}

export type Parameters = Readonly<Record<string, Parameter>>;

/**
 * The values with which a stack is deployed: what is given, and the defaults. Every mistake is named at once, so that a
 * deployment is mended once and not once per mistake.
 */
export function readParameters(
  parameters: Parameters,
  given: Readonly<Record<string, unknown>>,
): { readonly values: Readonly<Record<string, string>>; readonly mistakes: readonly string[] } {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(parameters, name));
  const values = Object.fromEntries(
    Object.entries(parameters).map(([name, { Default }]) => [name, String(given[name] ?? Default ?? '')]),
  );
  const refused = Object.entries(parameters).filter(([name, parameter]) => !accepts(parameter, values[name] ?? ''));
  const mistakes = [
    ...unknown.map((name) => `There is no parameter ${name}: ${Object.keys(parameters).join(', ')}.`),
    ...refused.map(
      ([name, { ConstraintDescription }]) =>
        `${name} ${ConstraintDescription.replace(/\.$/, '')}, not ${JSON.stringify(values[name])}.`,
    ),
  ];
  return { values, mistakes };
}

/** What CloudFormation accepts: it matches a pattern against the whole value. */
export function accepts({ AllowedValues, AllowedPattern, MaxLength }: Parameter, value: string): boolean {
  if (AllowedValues && !AllowedValues.map(String).includes(value)) return false;
  if (MaxLength !== undefined && value.length > MaxLength) return false;
  return AllowedPattern === undefined || new RegExp(`^(?:${AllowedPattern})$`).test(value);
}
