import { describe, expect, it } from "@jest/globals";
import { replaceRule } from "../../functions/domain/esim.ts";
import type { Limits } from "../../functions/domain/rule.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import { cny, ICCID, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { type Random, randomFrom } from "../simulation/random.ts";
import { intercepted, interleaving, PROOF_SCALE, type ProofWorld, proofWorld } from "./proof-world.ts";

const SEEDS = 100 * PROOF_SCALE;
const TRIGGERS_AT_ONCE = 100;
const TRIGGERS_IN_OTHER_ROUNDS = 3;
const ROUNDS = 12;
const ZONES = ["Asia/Shanghai", "Pacific/Honolulu", "Pacific/Kiritimati", "America/New_York", "UTC"] as const;
/** From minutes to most of a month: days, months and cooldowns end in between. */
const PAUSES_IN_MINUTES = [1, 14, 59, 61, 180, 600, 24 * 60, 3 * 24 * 60, 20 * 24 * 60] as const;

/** The limits and the zone that were in force from a moment on. */
interface Terms {
  readonly from: number;
  readonly zone: string;
  readonly limits: Limits;
}

const clocks = new Map(ZONES.map((zone) => [zone as string, new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" })]));
const dateIn = (zone: string, at: number) => clocks.get(zone)?.format(at) ?? "";

/** Counts by itself, from Stripe's charges and refunds and the calendar; knows nothing of what the line says. */
async function passedLimits({ stripe, client }: ProofWorld, terms: readonly Terms[]): Promise<string[]> {
  const refunds = (await client.refunds.list({ limit: 100 })).data.map(({ charge, amount, created }) => ({ charge, amount, at: created * 1000 }));
  const charges = stripe
    .listCharges()
    .filter((charge) => charge.paid)
    .map(({ id, amount, created }) => ({ id, amount, at: created * 1000 }))
    .map((charge) => ({ ...charge, terms: terms.findLast(({ from }) => from <= charge.at) }));
  // A day that was left by moving ahead is over: what is charged after moving back counts in the later one.
  const days: string[] = [];
  return charges.flatMap(({ at, amount, terms: inForce }, index) => {
    if (inForce === undefined) return [`charged at ${at} without terms`];
    const { zone, limits } = inForce;
    const earlier = charges.slice(0, index);
    const [today, before = ""] = [dateIn(zone, at), days.at(-1)];
    const day = today > before ? today : before;
    days.push(day);
    const inMonth = earlier.filter((_, other) => days[other]?.startsWith(day.slice(0, 7)));
    const back = refunds.filter((refund) => refund.at <= at && inMonth.some(({ id }) => id === refund.charge)).reduce((sum, refund) => sum + refund.amount, 0);
    const spent = inMonth.reduce((sum, charge) => sum + charge.amount, amount) - back;
    const times = earlier.filter((_, other) => days[other] === day).length + 1;
    const last = earlier.at(-1);
    const rest = last === undefined ? Number.POSITIVE_INFINITY : (at - last.at) / 60_000;
    return [
      ...(spent > limits.perMonth.amount ? [`${spent} in ${day.slice(0, 7)} with a cap of ${limits.perMonth.amount}`] : []),
      ...(times > limits.timesPerDay ? [`${times} times on ${day} instead of ${limits.timesPerDay}`] : []),
      ...(rest < limits.cooldownMinutes ? [`after ${rest} minutes instead of ${limits.cooldownMinutes}`] : []),
    ];
  });
}

function randomLimits(random: Random): Limits {
  return { perMonth: cny(5000 * random.int(1, 5)), timesPerDay: random.int(1, 3), cooldownMinutes: random.pick([15, 60, 240]) };
}

/** One line over weeks: low again and again, asked for by many at once, while its subscriber moves, changes their limits and gets money back. */
async function live(seed: number): Promise<{ passed: string[]; taken: number; moved: number; refunded: number }> {
  const random = randomFrom(seed);
  const limits = randomLimits(random);
  const world = await proofWorld({ settings: { limits } });
  const now = () => Date.parse(world.ports.clock.now());
  const terms: Terms[] = [{ from: now(), zone: "Asia/Shanghai", limits }];
  const crowdedRound = random.int(1, ROUNDS);
  let refunded = 0;

  async function edit(): Promise<void> {
    const esim = await world.line();
    const next = { zone: random.pick(ZONES), limits: random.chance(0.5) ? randomLimits(random) : (terms.at(-1)?.limits ?? limits) };
    const input = {
      subscriberId: SUBSCRIBER,
      settings: ruleSettings({ paymentMethodId: world.method.id, limits: next.limits }),
      consent: { termsVersion: "2026-11-28", at: world.ports.clock.now(), timeZone: next.zone },
      writeId: `edit-${terms.length}`,
    };
    const decision = replaceRule(esim, input, esim.rule?.version ?? 0, world.ports.clock.now());
    if (decision.kind !== "changed") throw new Error(decision.reason);
    if ((await world.ports.esims.save(decision.esim, input.writeId)) === undefined) throw new Error("Somebody wrote in a quiet moment");
    terms.push({ from: now(), ...next });
  }

  for (let round = 1; round <= ROUNDS; round++) {
    world.advanceMinutes(random.pick(PAUSES_IN_MINUTES));
    if (random.chance(0.3)) await edit();
    world.carrier.setBalance(ICCID, random.int(-500, 999));
    const { meet, together } = interleaving(random);
    const ports = intercepted(world.ports, meet);
    const count = round === crowdedRound ? TRIGGERS_AT_ONCE : TRIGGERS_IN_OTHER_ROUNDS;
    const workers = Array.from({ length: count }, () => () => look(ports, { iccid: ICCID, judge: true }));
    const charge = random.chance(0.3) ? world.stripe.listCharges().findLast(({ paid, amount_refunded }) => paid && amount_refunded === 0) : undefined;
    if (typeof charge?.payment_intent === "string") {
      // Money comes back just now, and its webhook comes in the crowd, twice.
      const paymentIntentId = charge.payment_intent;
      await world.client.refunds.create({ payment_intent: paymentIntentId, amount: random.pick([1000, 5000]) });
      workers.push(...Array.from({ length: 2 }, () => () => look(ports, { paymentIntentId })));
      refunded += 1;
    }
    await together(workers);
  }
  return { passed: await passedLimits(world, terms), taken: world.taken().length, moved: terms.length - 1, refunded };
}

describe("a hundred triggers at once", () => {
  it("never pass the cap, the times a day or the cooldown: not over month ends, moves, edits and refunds either", async () => {
    const passed: string[] = [];
    let [taken, moved, refunded] = [0, 0, 0];
    for (let seed = 0; seed < SEEDS; seed++) {
      const life = await live(seed);
      taken += life.taken;
      moved += life.moved;
      refunded += life.refunded;
      passed.push(...life.passed.map((what) => `seed ${seed}: ${what}`));
    }
    console.log(`caps: ${SEEDS} seeds x ${TRIGGERS_AT_ONCE} at once, ${taken} charges, ${moved} edits, ${refunded} refunds: ${passed.length} times over`);
    expect(passed.slice(0, 10)).toEqual([]);
    expect(taken).toBeGreaterThan(SEEDS * 3); // or nothing was tried
  }, 600_000);
});
