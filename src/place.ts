/** A stack is called so unless its owner says otherwise: commands need not say it. */
export const DEFAULT_STACK = 'ecs-drain';

/** Which of the stacks something is about. */
export interface Place {
  readonly region: string;
  /** The CloudFormation stack's own name. */
  readonly stack: string;
}

/**
 * What makes a command mean this place in whatever shell it is pasted into: releases have the same names in each region,
 * and the shell of whoever reads an alert may be at home in another. Pure.
 */
export function placeOptions({ region, stack }: Place): string[] {
  return [`--region ${region}`, ...(stack === DEFAULT_STACK ? [] : [`--stack ${stack}`])];
}
