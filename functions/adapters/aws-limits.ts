/**
 * How long a call to AWS may take, for every client of ours: 3 tries x (1 s to connect + 3 s to answer) = 12 s, within the time of every function.
 *
 * Without `throwOnRequestTimeout` the SDK only logs a warning when the time is over, and waits on.
 */
export const AWS_LIMITS = { maxAttempts: 3, requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true } };
