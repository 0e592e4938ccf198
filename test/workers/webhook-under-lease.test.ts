import { expect, it } from "@jest/globals";
import { look } from "../../functions/workers/recharge/look.ts";
import { rechargeWorld } from "./recharge-world.ts";

it("a dispute whose webhook meets another worker's lease on the open recharge is known when that lease is over", async () => {
  const world = await rechargeWorld();
  world.stripe.chooseNext("processing");
  await world.look();
  const id = (await world.client.paymentIntents.list({})).data[0]?.id ?? "";
  await world.lookAtPayment(id); // payment_intent.processing: takes the lease for 90 s, finds nothing new
  world.advanceMinutes(1); // Stripe says paid now; its payment_intent.succeeded is late, or lost
  world.stripe.dispute(id, { reason: "fraudulent" });
  await world.lookAtPayment(id); // charge.dispute.created: the line is leased, a poke of the LINE is sent for later
  for (let arrivals = 0; arrivals < 5; arrivals++) {
    const [next] = world.pokes.splice(0, 1);
    if (next === undefined) break;
    const { delaySeconds, ...poke } = next;
    world.advanceMinutes(delaySeconds / 60);
    await look(world.ports, poke);
  }
  expect(world.pokes).toEqual([]);
  const [bill] = await world.bills();
  expect(bill?.end).toBe("succeeded");
  expect((await world.ports.recharges.getHistory(bill?.rechargeId ?? "")).adjustments.map(({ kind }) => kind)).toEqual(["dispute-opened"]);
  expect((await world.line()).rule?.status.state).toBe("suspended");
});
