import { describe, expect, it } from "@jest/globals";
import { createRule, deleteRule, type Esim, type PaymentMethod, type RuleDecision, replaceRule, setRuleState } from "../../functions/domain/esim.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import { cny, ICCID, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { randomFrom } from "../simulation/random.ts";
import { type Call, intercepted, lostAnswer, PROOF_SCALE, type ProofWorld, proofWorld } from "./proof-world.ts";

const SEEDS = 1000 * PROOF_SCALE;
const OTHER_PAYER = "sub-bob";

const CHANGES = ["paused", "edited", "deleted", "re-pointed at another card", "taken by another payer"] as const;
type Change = (typeof CHANGES)[number];

/** What the API would store. */
function changed(esim: Esim, change: Change, otherMethod: PaymentMethod, now: string): RuleDecision {
  const { rule } = esim;
  if (rule === undefined) throw new Error("There is no rule to change");
  const write = { subscriberId: SUBSCRIBER, consent: { ...rule.consent, at: now }, writeId: "change" };
  switch (change) {
    case "paused":
      return setRuleState(esim, { ...write, state: "paused" }, rule.version, now);
    case "edited":
      return replaceRule(esim, { ...write, settings: { ...rule, topUp: { type: "fixed", amount: cny(6000) } } }, rule.version, now);
    case "deleted":
      return deleteRule(esim, SUBSCRIBER, rule.version, now);
    case "re-pointed at another card":
      return replaceRule(esim, { ...write, settings: { ...rule, paymentMethodId: otherMethod.id } }, rule.version, now);
    case "taken by another payer":
      return createRule(esim, { ...write, subscriberId: OTHER_PAYER, settings: ruleSettings({ paymentMethodId: otherMethod.id }) }, now);
  }
}

/** Another card of the payer's, which the other payer has saved, too. */
async function saveOtherCard({ client, method, ports }: ProofWorld): Promise<PaymentMethod> {
  const { id, card } = await client.paymentMethods.attach("pm_card_mastercard", { customer: method.customerId });
  const other = { ...method, id, cardKey: card?.fingerprint ?? id };
  await ports.subscribers.putMethod(SUBSCRIBER, other);
  await ports.subscribers.putMethod(OTHER_PAYER, other);
  return other;
}

interface Confirmed {
  readonly worker: number;
  readonly rechargeId: string;
}

/** What was there when the change had been written. */
interface Written {
  /** The rule's version from then on; a charge for an older one is one that nobody wants any more. */
  readonly version: number;
  readonly worker: number;
  /** The recharge that was being confirmed, if one was. */
  readonly confirming?: string;
  /** How many confirmations had been asked for. */
  readonly confirmed: number;
}

/** Calls of a clean recharge, and some more for those that are taken over. */
const LATEST_CALL = 30;

/** The rule changes at a random call of a recharge, at which a worker may also die or learn nothing. Gives the confirmations that came after a change against its will. */
async function live(seed: number): Promise<{ change: Change; unwanted: Confirmed[]; taken: number; isMoneyRight: boolean }> {
  const random = randomFrom(seed);
  const world = await proofWorld();
  const otherMethod = await saveOtherCard(world);
  const change = random.pick(CHANGES);
  const changeAt = random.int(1, LATEST_CALL);
  const isChangedFirst = random.chance(0.5);
  const faultAt = random.chance(0.6) ? random.int(1, LATEST_CALL) : 0;
  const fault = random.pick(["dies before", "dies after", "learns nothing", "is not heard"]);
  const confirmations: Confirmed[] = [];
  let written: Written | undefined;
  let calls = 0;
  let workers = 0;

  /** As the API does: on a conflict the line is read again. */
  async function write(): Promise<void> {
    for (;;) {
      const esim = await world.line();
      const decision = changed(esim, change, otherMethod, world.ports.clock.now());
      if (decision.kind !== "changed") throw new Error(decision.reason);
      const saved = await world.ports.esims.save(decision.esim, "change");
      if (saved === undefined) continue;
      const version = change === "paused" || change === "deleted" ? Number.POSITIVE_INFINITY : decision.rule.version;
      const confirming = saved.open?.state.name === "confirming" ? saved.open.rechargeId : undefined;
      written = { version, worker: workers, confirming, confirmed: confirmations.length };
      return;
    }
  }

  async function work(): Promise<void> {
    workers += 1;
    const worker = workers;
    let isDead = false;
    const meet = async (call: Call): Promise<unknown> => {
      if (isDead) throw new Error("It is dead");
      calls += 1;
      const isChanging = calls === changeAt;
      const met = calls === faultAt ? fault : "nothing";
      if (isChanging && isChangedFirst) await write();
      if (met === "is not heard") throw lostAnswer(call.name);
      isDead = met === "dies before";
      if (isDead) throw new Error("It died");
      if (call.name === "payments.confirm") {
        const { metadata } = await world.client.paymentIntents.retrieve(String(call.arguments[0]));
        confirmations.push({ worker, rechargeId: metadata.rechargeId ?? "" });
      }
      const answer = await call.make();
      if (isChanging && !isChangedFirst) await write();
      isDead = met === "dies after";
      if (isDead) throw new Error("It died");
      if (met === "learns nothing") throw lostAnswer(call.name);
      return answer;
    };
    await look(intercepted(world.ports, meet), { iccid: ICCID, judge: true }).catch(() => {});
  }

  for (let looks = 0; looks < 6; looks++) {
    await work();
    world.advanceMinutes(2);
  }
  const after = written === undefined ? [] : confirmations.slice(written.confirmed);
  const unwanted: Confirmed[] = [];
  for (const confirmed of after) {
    const start = await world.ports.recharges.getStart(confirmed.rechargeId);
    const isOfNewRule = start !== undefined && written !== undefined && (start.rule?.version ?? 0) >= written.version;
    // The worker that had begun to confirm may; whoever goes on with it later may not.
    const hadBegun = written?.confirming === confirmed.rechargeId && written.worker === confirmed.worker;
    if (!isOfNewRule && !hadBegun) unwanted.push(confirmed);
  }
  const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);
  const { open } = await world.line();
  const isMoneyRight = open === undefined && sum(world.taken()) === sum(world.credited()) && world.taken().length <= 1;
  return { change, unwanted, taken: world.taken().length, isMoneyRight };
}

describe("a rule that changes while its recharge is under way", () => {
  it("is honoured at the moment of the charge, whatever changes and whoever dies meanwhile", async () => {
    const broken: string[] = [];
    const seen = new Map<string, number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { change, unwanted, taken, isMoneyRight } = await live(seed);
      const what = `${change}, ${taken > 0 ? "charged before or by the new rule" : "not charged"}`;
      seen.set(what, (seen.get(what) ?? 0) + 1);
      if (unwanted.length > 0) broken.push(`seed ${seed}: ${change}, and confirmed after that`);
      if (!isMoneyRight) broken.push(`seed ${seed}: ${change}, and the money is not right`);
    }
    console.log(`rule at the moment: ${SEEDS} seeds: ${broken.length} broken; ${[...seen].map(([what, times]) => `${what}: ${times}`).join("; ")}`);
    expect(broken.slice(0, 10)).toEqual([]);
    for (const change of CHANGES)
      expect([...seen.keys()].filter((what) => what.startsWith(change))).toHaveLength(change === "edited" || change.startsWith("re-") ? 1 : 2);
  }, 600_000);
});
