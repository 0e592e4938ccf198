import { OutcomeUnknown } from "../../functions/domain/ports.ts";
import type { RuleSettings } from "../../functions/domain/rule.ts";
import type { RechargePorts } from "../../functions/workers/recharge/ports.ts";
import { carrierModel } from "../../local/carrier/carrier-model.ts";
import { memoryRecords } from "../../local/records.ts";
import { ICCID, SUBSCRIBER } from "../builders.ts";
import { inProcessCarrier } from "../fakes/in-process-carrier.ts";
import type { Random } from "../simulation/random.ts";
import { rechargeWorld } from "../workers/recharge-world.ts";

// Stripe's SDK notes where each of its calls comes from; with the hundred frames that Jest asks for, that would take a third of the time.
Error.stackTraceLimit = 5;

/** How much is proved: a fifth in every run of the tests, 10 in CI (`npm run prove`), 100 is everything there is. */
export const PROOF_SCALE = Number(process.env.PROOF_SCALE ?? 0.2);

/** `forgetful`: it remembers no reference, and a repeat credits again. */
export type CarrierKind = "final" | "forgetful";

/** What is on the line when it is looked at first, in minor units. */
export const FIRST_BALANCE = 999;

export interface ProofWorldOptions {
  readonly card?: string;
  readonly carrierKind?: CarrierKind;
  readonly settings?: Partial<RuleSettings>;
}

/** The world of a recharge, at a carrier that really is of the kind that it is taken for. */
export async function proofWorld({ card, carrierKind = "final", settings }: ProofWorldOptions = {}) {
  const world = await rechargeWorld({ card, settings });
  const { ports, stripe } = world;
  const now = () => Date.parse(ports.clock.now());
  const carrier = carrierModel({ records: memoryRecords(), now, answersAreFinal: carrierKind === "final" });
  carrier.addLine({ iccid: ICCID, owner: { subscriberId: SUBSCRIBER }, currency: "CNY", available: FIRST_BALANCE, drainPerMinute: 0 });
  const amountsOf = (topUps: ReturnType<typeof carrier.listTopUps>) => topUps.filter(({ refusal }) => refusal === undefined).map(({ amount }) => amount.amount);
  return {
    ...world,
    carrier,
    ports: { ...ports, carrier: inProcessCarrier(carrier) },
    credited: () => amountsOf(carrier.listTopUps()),
    /** What Stripe has given back, in minor units. */
    returned: () => stripe.listCharges().reduce((sum, charge) => sum + charge.amount_refunded, 0),
  };
}

export type ProofWorld = Awaited<ReturnType<typeof proofWorld>>;

/** One call to the world: `payments.confirm`, `esims.save`, ... */
export interface Call {
  readonly name: string;
  readonly arguments: readonly unknown[];
  readonly make: () => Promise<unknown>;
}

const REACHED = ["esims", "recharges", "subscribers", "cards", "controls", "payments", "carrier", "events", "pokes"] as const;

/** The same ports; every call to the world goes through `meet`, which makes it, or does not. */
export function intercepted(ports: RechargePorts, meet: (call: Call) => Promise<unknown>): RechargePorts {
  const through = <Port extends object>(portName: string, port: Port): Port =>
    new Proxy(port, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== "function") return member;
        return (...given: unknown[]) =>
          meet({ name: `${portName}.${String(key)}`, arguments: given, make: async (): Promise<unknown> => Reflect.apply(member, target, given) });
      },
    });
  const reached = Object.fromEntries(REACHED.map((name) => [name, through(name, ports[name])]));
  return { ...ports, ...reached };
}

/** A call that writes: its effect may come late. */
export function isWrite(name: string): boolean {
  return /^(esims\.save|recharges\.put|cards\.(put|clear)|payments\.(create|confirm|cancel|refund)|carrier\.topUp|events\.publish|pokes\.send)/.test(name);
}

/** What a caller learns of a call whose answer is lost. */
export function lostAnswer(name: string): Error {
  return /^(payments|carrier)\./.test(name) ? new OutcomeUnknown(`${name} gave no answer`) : new Error(`${name}: the connection was lost`);
}

/** Workers at once: their calls wait in one row, out of which chance takes the next. Everything that a call does is over before the next one. */
export function interleaving(random: Random) {
  const waiting: { readonly make: () => Promise<void> }[] = [];

  const meet = (call: Call): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.push({ make: () => call.make().then(resolve, reject) });
    });

  /** Gives what became of each worker. */
  async function together(workers: readonly (() => Promise<void>)[]): Promise<PromiseSettledResult<void>[]> {
    let isOver = false;
    const all = Promise.allSettled(workers.map((work) => work())).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const [next] = waiting.splice(random.int(0, Math.max(waiting.length - 1, 0)), 1);
      await next?.make();
      await new Promise((resolve) => setImmediate(resolve)); // until every worker waits again
    }
    return all;
  }

  return { meet, together };
}
