/** An error that an AWS service answers with. Thrown by simulated operations, written to the wire by `wire.ts`. */
export class AwsError extends Error {
  readonly code: string;
  readonly statusCode: number;
  /** Further members of the error's own shape. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: { statusCode?: number; fields?: Record<string, unknown> } = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.statusCode = options.statusCode ?? 400;
    this.fields = options.fields ?? {};
  }
}

/**
 * The operations of one simulated service, by their AWS names. Inputs arrive parsed and with their required members
 * checked; outputs are the shapes of the SDK's command outputs without `$metadata`.
 */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's schemas give each operation its own input and output type.
export type Operations = Readonly<Record<string, (input: any) => object>>;
