import type { Esim, OpenRecharge } from "../../functions/domain/esim.ts";
import type { Poke, RechargeStart } from "../../functions/domain/ports.ts";
import type { RechargeState } from "../../functions/domain/recharge-states.ts";
import type { DeadLetter, DeadLetters } from "../../ops/dead-letters.ts";
import type { OpsPorts } from "../../ops/verb.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { memoryControls, memoryEsims, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";

export const RECHARGE = "recharge-1";
export const OPERATOR = "grace";

/** Paid, and the carrier cannot say whether it credited. */
export const IN_REVIEW: RechargeState = { name: "needs-review", paymentIntentId: "pi_1", paidAt: NOW, reason: "carrier-unclear", since: NOW };

export function openRecharge(changes: Partial<OpenRecharge> = {}): OpenRecharge {
  return {
    rechargeId: RECHARGE,
    subscriberId: SUBSCRIBER,
    amount: cny(5000),
    method: METHOD,
    ruleVersion: 1,
    consent: esimWithRule().rule.consent,
    period: { month: "2026-11", day: "2026-11-23" },
    reading: reading(500),
    reservedAt: NOW,
    lease: { until: NOW, attempts: 0, crashes: 0 },
    state: IN_REVIEW,
    ...changes,
  };
}

export function rechargeStart(changes: Partial<RechargeStart> = {}): RechargeStart {
  return {
    rechargeId: RECHARGE,
    iccid: ICCID,
    subscriberId: SUBSCRIBER,
    at: NOW,
    amount: cny(5000),
    rule: { ...ruleSettings(), version: 1 },
    consent: esimWithRule().rule.consent,
    reading: reading(500),
    cardKey: METHOD.cardKey,
    declines: 0,
    ...changes,
  };
}

/** The operator's ports over stores in memory, with what was printed, poked and written through them. */
export function opsWorld() {
  const esims = memoryEsims();
  const recharges = memoryRecharges();
  const subscribers = memorySubscribers();
  const controls = memoryControls();
  const printed: string[] = [];
  const pokes: Poke[] = [];
  let ids = 0;
  const ports: OpsPorts = {
    esims,
    recharges,
    subscribers,
    controls,
    pokes: { send: async (sent) => void pokes.push(...sent) },
    deadLettersOf: (queue) => {
      throw new Error(`Nobody should touch ${queue} here`);
    },
    clock: { now: () => NOW },
    ids: { next: () => `id-${++ids}` },
    print: (line) => void printed.push(line),
  };
  return {
    ports,
    recharges,
    printed,
    pokes,
    text: () => printed.join("\n"),
    /** Puts a line as it is to be found. */
    async store(changes: Partial<Esim>) {
      const saved = await esims.save({ ...esimWithRule(), lookAt: NOW, ...changes, version: 0 }, "seed");
      if (saved === undefined) throw new Error("The line is stored already");
      return saved;
    },
    /** Everything that the verbs can change. */
    async written() {
      const [killSwitch, hold, audit] = await Promise.all([controls.getKillSwitch(), subscribers.getHold(SUBSCRIBER), controls.listAudit()]);
      return { killSwitch, hold, audit, saves: esims.writes(), pokes: pokes.length };
    },
  };
}

/** Dead letters in memory. `log` tells what was done, in order. */
export function memoryDeadLetters(bodies: readonly string[], sentAt = NOW) {
  const log: string[] = [];
  const source: string[] = [];
  let left = bodies.map((body, index) => ({ messageId: `message-${index + 1}`, body, sentAt, receives: 0, isTaken: false }));
  const letters: DeadLetters = {
    async receive(most) {
      const taken = left.filter(({ isTaken }) => !isTaken).slice(0, most);
      for (const letter of taken) Object.assign(letter, { isTaken: true, receives: letter.receives + 1 });
      return taken.map(({ messageId, body, sentAt: at, receives }): DeadLetter => ({ messageId, body, sentAt: at, receipt: `${messageId}/${receives}` }));
    },
    async sendBack(body) {
      log.push(`send ${body}`);
      source.push(body);
    },
    async remove(receipt) {
      log.push(`remove ${receipt.split("/")[0]}`);
      left = left.filter(({ messageId, receives }) => `${messageId}/${receives}` !== receipt);
    },
    async release(receipt) {
      for (const letter of left) if (`${letter.messageId}/${letter.receives}` === receipt) letter.isTaken = false;
    },
  };
  return {
    letters,
    log,
    source,
    left: () => left.map(({ body }) => body),
    free: () => left.filter(({ isTaken }) => !isTaken).length,
    /** The time during which received messages are hidden is over. */
    reappear: () => {
      for (const letter of left) letter.isTaken = false;
    },
  };
}
