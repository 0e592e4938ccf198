import * as z from "zod/mini";
import { carrierOver } from "../../functions/adapters/http-carrier.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import { OutcomeUnknown } from "../../functions/domain/ports.ts";
import { answerCarrierRequest } from "../../local/carrier/carrier-answers.ts";
import { type CarrierLine, carrierModel } from "../../local/carrier/carrier-model.ts";
import type { Asked, Surroundings } from "./calls.ts";
import type { At, Evidence } from "./evidence.ts";
import { plainRecords } from "./plain-records.ts";

/** Longer than that nobody waits for a carrier. Source: functions/contracts/carrier.ts */
const PATIENCE_MILLISECONDS = 8000;

const referenced = z.object({ reference: z.string() });

/** A carrier of one kind or the other, and the port on it through the adapter and everything that can happen on the way. */
export function simulatedCarrier({ scheduler, random, faults, calls, say }: Surroundings) {
  const answersAreFinal = random.chance(0.6);
  const model = carrierModel({
    records: plainRecords(),
    now: scheduler.now,
    answersAreFinal,
    findsCredits: random.chance(0.5),
    readIntervalSeconds: random.pick([0, 0, 300, 900]),
    lateMinutes: random.pick([1, 10, 120]),
    observe: (fact) => say(() => `THE CARRIER: ${fact.type} ${fact.reference}`),
  });

  const orders: At<{ readonly reference: string }>[] = [];
  const asks: At<{ readonly reference: string }>[] = [];
  const owners: Evidence["owners"][number][] = [];

  /** As the carrier names whoever holds the line. */
  const holderOf = (iccid: Iccid) => model.queryLine(iccid).line?.holder;

  const carrier = carrierOver((request) => {
    const isOrder = request.method === "POST" && request.path === "/v1/top-ups";
    const [, reference = isOrder ? referenceOf(request.body) : undefined] = /^\/v1\/top-ups\/([^/?]+)$/.exec(request.path) ?? [];
    if (reference !== undefined) asks.push({ at: scheduler.now(), reference });
    return calls.make({
      system: "carrier",
      what: `${request.method} ${request.path}`,
      changes: isOrder,
      mayRepeat: answersAreFinal, // where a repeat would be another order, nothing between us and the carrier may repeat it
      patienceMilliseconds: PATIENCE_MILLISECONDS,
      act: () => {
        if (isOrder && faults.happens("carrier-refusal")) model.chooseNext("refuse");
        else if (isOrder && faults.happens("late-credit")) model.chooseNext("credit-later-but-error-503");
        if (isOrder) orders.push({ at: scheduler.now(), reference: referenceOf(request.body) });
        return answerCarrierRequest(model, request);
      },
      lost: () => new OutcomeUnknown("The carrier gave no answer"),
      refuse: () => ({ status: random.pick([401, 403, 404, 429, 500, 503]), body: "<html>" }),
      garble: ({ body }) => ({ status: 200, body: body.slice(0, body.length / 2) }),
    } satisfies Asked<{ readonly status: number; readonly body: string }>);
  }, answersAreFinal);

  return {
    model,
    carrier,
    setOwner(iccid: Iccid, subscriberId: string): void {
      model.setOwner(iccid, { subscriberId });
      owners.push({ at: scheduler.now(), iccid, subscriberId, holder: holderOf(iccid) });
    },
    addLine(line: CarrierLine): void {
      model.addLine(line);
      owners.push({ at: scheduler.now(), iccid: line.iccid, subscriberId: line.owner.subscriberId, holder: holderOf(line.iccid) });
    },
    seen: (): Pick<Evidence, "answersAreFinal" | "orders" | "asks" | "owners" | "topUps" | "balances"> => ({
      answersAreFinal,
      orders,
      asks,
      owners,
      topUps: model.listTopUps().map(({ reference, iccid, at, amount, refusal }) => ({
        reference,
        iccid,
        at: Date.parse(at),
        amount: amount.amount,
        currency: amount.currency,
        isRefused: refusal !== undefined,
      })),
      balances: new Map(model.listLines().map(({ iccid, available, owner }) => [iccid, { available, ownerId: owner.subscriberId, holder: holderOf(iccid) }])),
    }),
  };
}

function referenceOf(body: string): string {
  return referenced.parse(JSON.parse(body)).reference;
}
