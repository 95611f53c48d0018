/**
 * All that the durable SDK takes of Lambda's client. It imports the whole package when it first needs it, and the build
 * puts this in its place: a bundle would have every operation of Lambda otherwise, and those are 30 KB.
 */
export {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionStateCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
