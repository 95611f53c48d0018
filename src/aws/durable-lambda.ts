/**
 * All that the durable SDK takes of Lambda's client. It imports the whole package when it first needs it, and the build
 * has it take this instead (scripts/build.ts says why).
 */
export {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionStateCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
