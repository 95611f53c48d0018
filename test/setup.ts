import { buildHandlers } from '../scripts/build.ts';

/** The scenarios run the built bundles; a test of yesterday's bundles would prove nothing. */
export default buildHandlers;
