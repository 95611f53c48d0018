import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Lambda puts a function's credentials into its environment, and nowhere else. The build puts this in the place of the
 * SDK's own chain of providers (`@aws-sdk/credential-provider-node`), which would bring profiles, single sign-on and
 * instance metadata into each bundle.
 */
export const defaultProvider = fromEnv;
