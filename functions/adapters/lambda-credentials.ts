import { fromEnv } from "@aws-sdk/credential-provider-env";

/**
 * What AWS's clients are bundled with instead of their search for credentials: Lambda puts those of a function's role into its environment, and nowhere else.
 *
 * Where they look first anyway; the rest of the chain is a third of a bundle. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export const defaultProvider = fromEnv;
