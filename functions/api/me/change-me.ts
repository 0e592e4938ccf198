import type { MeChanges } from "../../contracts/me.ts";
import { choicesOf } from "../../domain/choices.ts";
import { followedSubscriber, type KnownSubscriberPorts, knownSubscriber } from "../known-subscriber.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { meView } from "./me-view.ts";

export async function readMe(ports: KnownSubscriberPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const [profile, closing] = await Promise.all([knownSubscriber(ports, request), ports.subscribers.getClosing(request.subscriberId)]);
  return { status: 200, body: meView(profile, closing) };
}

/** Changes what the caller chose. What is not named stays; of two who change the same choice at once the later one wins. */
export async function changeMe(ports: KnownSubscriberPorts, request: ApiRequest<MeChanges>): Promise<ApiResponse> {
  const { subscriberId, body } = request;
  await refuseClosing(ports, subscriberId);
  const profile = await followedSubscriber(ports, request);
  const { notices, ...others } = body;
  // Some of the notices' choices are chosen with the others as they are.
  const changes = { ...others, ...(notices !== undefined && { notices: notices && { ...choicesOf(profile).notices, ...notices } }) };
  await ports.subscribers.putChoices(subscriberId, changes);
  return readMe(ports, { ...request, body: undefined });
}
