/** How many requests a route takes: `perSecond` in the long run, `burst` at once. */
export interface Throttle {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * A token bucket, as API Gateway's: each call takes a token, or finds none. In real time, as callers are real, however fast the local clock runs.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
 */
export function tokenBucket({ perSecond, burst }: Throttle, nowMilliseconds: () => number = () => performance.now()): () => boolean {
  let tokens = burst;
  let filledAt = nowMilliseconds();
  return () => {
    const now = nowMilliseconds();
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
