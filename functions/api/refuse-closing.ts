import type { Subscribers } from "../domain/ports.ts";
import { HttpProblem } from "./problem.ts";

/** Whoever is being forgotten begins nothing new. Throws 409. */
export async function refuseClosing({ subscribers }: { readonly subscribers: Pick<Subscribers, "getClosing"> }, subscriberId: string): Promise<void> {
  if ((await subscribers.getClosing(subscriberId)) === undefined) return;
  throw new HttpProblem(409, "account-closing", "Your account is being closed: nothing new is begun");
}
