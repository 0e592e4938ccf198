import type { Clock, EraseRequests, Subscribers } from "../../domain/ports.ts";
import { type DropRulesPorts, dropRules } from "../../workers/drop-rules.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";

export interface CloseAccountPorts extends DropRulesPorts {
  readonly subscribers: Subscribers;
  readonly eraseRequests: EraseRequests;
  readonly clock: Clock;
}

/** A call that began before the account was closing has ended by then: API functions run for 29 s at the most. */
const CALLS_END_SECONDS = 60;

/**
 * Begins to forget the caller: nothing new is begun from now on, and their rules are gone when this is answered. The rest is the eraser's.
 *
 * Broken off anywhere, it can be asked again; once they are closing, the daily tick goes on with it in any case.
 */
export async function closeAccount(ports: CloseAccountPorts, { subscriberId }: ApiRequest<undefined>): Promise<ApiResponse> {
  const closing = await ports.subscribers.putClosing(subscriberId, { since: ports.clock.now() });
  await ports.eraseRequests.send([{ subscriberId }], CALLS_END_SECONDS);
  await dropRules(ports, subscriberId);
  return { status: 202, body: { closing } };
}
